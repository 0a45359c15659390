package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Tensor;

/**
 * Layer norm over the last dimension.
 *
 * @param weight [size]
 * @param bias [size]
 */
public record LayerNorm(Param weight, Param bias, double eps) {
  /** The layer {@code name.weight}, {@code name.bias}. */
  public static LayerNorm load(Weights weights, String name, long size, double eps) {
    return new LayerNorm(
        weights.param(name + ".weight", size), weights.param(name + ".bias", size), eps);
  }

  /** A temporary of the caller's scope. */
  public Tensor apply(Tensor x) {
    return Ops.layerNorm(x, weight.value(), bias.value(), eps);
  }
}
