package org.medpruner.vlm;

import java.util.Objects;

/**
 * How to load a model.
 *
 * @param cuda whether to run on CUDA device 0 instead of the CPU
 * @param maxEncoderBytes bound on the vision encoder's activations, which sets how many slices are
 *     encoded at once; at least one always is
 * @param computeType the type to compute in
 */
public record LoadOptions(boolean cuda, long maxEncoderBytes, ComputeType computeType) {
  /** The CPU, 1 GiB of encoder activations, and the compute type that suits both. */
  public static final LoadOptions DEFAULT = new LoadOptions(false, 1L << 30);

  /** Checks that a type is given. */
  public LoadOptions {
    Objects.requireNonNull(computeType, "computeType");
  }

  /**
   * With {@link ComputeType#AUTO}.
   *
   * @param cuda whether to run on CUDA device 0 instead of the CPU
   * @param maxEncoderBytes bound on the vision encoder's activations; at least one slice is encoded
   *     at once whatever it is
   */
  public LoadOptions(boolean cuda, long maxEncoderBytes) {
    this(cuda, maxEncoderBytes, ComputeType.AUTO);
  }
}
