package org.medpruner.vlm.engine;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Turns slices of one size into visual tokens. */
@FunctionalInterface
public interface VisionEncoder {
  /**
   * Visual tokens of B slices, temporaries of the caller's scope.
   *
   * @param features [B, n, hidden] after the projector, tokens in raster order
   * @param planes [B, n, hidden] each, added to the language model's first layers (DeepStack);
   *     empty for most families
   * @param query [B, T, heads, d] of the last encoder layer, after rotary embedding where it has
   *     one
   * @param key as query
   */
  record Tokens(Tensor features, List<Tensor> planes, Tensor query, Tensor key) {
    /** Copies the list. */
    public Tokens {
      planes = List.copyOf(planes);
    }

    /** Without planes. */
    public Tokens(Tensor features, Tensor query, Tensor key) {
      this(features, List.of(), query, key);
    }
  }

  /** Encodes slices, in the order given. */
  Tokens encode(int[] slices);
}
