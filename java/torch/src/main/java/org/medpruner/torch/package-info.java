/** LibTorch's tensors, streams and state as MedPruner's, without copies. */
@org.jspecify.annotations.NullMarked
package org.medpruner.torch;
