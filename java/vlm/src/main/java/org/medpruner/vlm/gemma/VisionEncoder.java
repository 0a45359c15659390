package org.medpruner.vlm.gemma;

import org.bytedeco.pytorch.Tensor;

/** Turns slices of one volume into visual tokens. */
@FunctionalInterface
interface VisionEncoder {
  /**
   * Visual tokens of B slices, temporaries of the caller's scope.
   *
   * @param features [B, n, hidden], raster tokens after the projector
   * @param query [B, T, heads, d] of the last encoder layer
   * @param key as query
   */
  record Tokens(Tensor features, Tensor query, Tensor key) {}

  /** Encodes slices, in the order given. */
  Tokens encode(int[] slices);
}
