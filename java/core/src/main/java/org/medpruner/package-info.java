/** Public API of MedPruner. */
@org.jspecify.annotations.NullMarked
package org.medpruner;
