package org.medpruner.vlm.nn;

/**
 * The layers of a SigLIP-like vision encoder.
 *
 * @param hiddenSize width
 * @param intermediateSize width of the feed-forward part
 * @param layers number of layers
 * @param heads attention heads; divides the width
 * @param layerNormEps epsilon of the layer norms
 * @param activation of the feed-forward part
 */
public record EncoderConfig(
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    double layerNormEps,
    Activation activation) {
  /** Checks that the heads divide the width. */
  public EncoderConfig {
    if (heads < 1 || hiddenSize % heads != 0) {
      throw new IllegalArgumentException(heads + " heads do not divide a width of " + hiddenSize);
    }
  }

  /** Width of one attention head. */
  public int headDim() {
    return hiddenSize / heads;
  }

  /**
   * Bytes of activations per picture at the widest point, for sizing batches: in a layer the input,
   * the norm, q, k, v and the attention output (6 x hidden) or the feed-forward part (2 x
   * intermediate + 2 x hidden) live at once, and the pixels beside them.
   *
   * @param pixels values of one picture, all channels
   */
  public long activationBytes(long patches, long pixels, int elementBytes) {
    long wide = Math.max(6L * hiddenSize, 2L * hiddenSize + 2L * intermediateSize);
    return elementBytes * (patches * (wide + 2L * hiddenSize) + 2 * pixels);
  }
}
