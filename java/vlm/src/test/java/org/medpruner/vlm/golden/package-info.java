/** Golden tensors of the authors' code, for the parity tests of every model family. */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.golden;
