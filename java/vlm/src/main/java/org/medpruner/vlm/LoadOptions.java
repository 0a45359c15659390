package org.medpruner.vlm;

/**
 * How to load a model.
 *
 * @param cuda whether to run on CUDA device 0 instead of the CPU
 * @param maxEncoderBytes bound on the vision encoder's activations, which sets how many slices are
 *     encoded at once; at least one always is
 */
public record LoadOptions(boolean cuda, long maxEncoderBytes) {
  /** The CPU, and 1 GiB of encoder activations. */
  public static final LoadOptions DEFAULT = new LoadOptions(false, 1L << 30);
}
