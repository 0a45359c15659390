package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * RMS norm over the last dimension, in F32 whatever the type of its input.
 *
 * @param factor [size], F32
 */
public record RmsNorm(Param factor, double eps) {
  /**
   * The norm {@code name.weight}.
   *
   * @param unitOffset whether the factor is 1 + the stored weight (Gemma 3) or the weight itself
   */
  public static RmsNorm load(
      Weights weights, String name, long size, double eps, boolean unitOffset) {
    return new RmsNorm(weights.normFactor(name + ".weight", size, unitOffset ? 1 : 0), eps);
  }

  /** A temporary of the caller's scope, of the type of {@code x}. */
  public Tensor apply(Tensor x) {
    ScalarType type = x.scalar_type().intern();
    Tensor f = type == ScalarType.Float ? x : x.to(ScalarType.Float);
    Tensor square = f.mul(f).mean(new long[] {-1}, true, new ScalarTypeOptional());
    Tensor normed = f.mul(square.add(new Scalar(eps)).rsqrt()).mul(factor.stored());
    return type == ScalarType.Float ? normed : normed.to(type);
  }
}
