package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@code x W^T + b} over the last dimension.
 *
 * @param weight [out, in]
 * @param bias [out], or null for none
 */
public record Linear(Param weight, @Nullable Param bias) {
  /** The layer {@code name.weight}, with {@code name.bias} if asked for. */
  public static Linear load(Weights weights, String name, long out, long in, boolean bias) {
    return new Linear(
        weights.param(name + ".weight", out, in), bias ? weights.param(name + ".bias", out) : null);
  }

  /** [.., in] to [.., out], a temporary of the caller's scope. */
  public Tensor apply(Tensor x) {
    return weight.linear(x, bias == null ? null : bias.value());
  }
}
