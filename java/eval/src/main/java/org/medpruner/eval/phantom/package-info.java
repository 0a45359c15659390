/** The phantom benchmark: generated CT-like volumes with questions whose answers are known. */
package org.medpruner.eval.phantom;
