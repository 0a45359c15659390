package org.medpruner.vlm.gemma;

import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.EncoderConfig;

/**
 * SigLIP vision tower, from {@code vision_config}; absent keys take transformers' defaults.
 *
 * @param hiddenSize width
 * @param intermediateSize width of the feed-forward part
 * @param layers number of encoder layers
 * @param heads attention heads; divides the width
 * @param channels colour planes, 3
 * @param imageSize side of the square picture in pixels
 * @param patchSize side of a square patch in pixels
 * @param layerNormEps epsilon of the layer norms and of the projector's norm
 * @param gelu activation of the feed-forward part
 */
public record SiglipConfig(
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int channels,
    int imageSize,
    int patchSize,
    double layerNormEps,
    Activation gelu) {

  static SiglipConfig of(JsonFile json) {
    SiglipConfig c =
        new SiglipConfig(
            json.integer("hidden_size", 768, 1),
            json.integer("intermediate_size", 3072, 1),
            json.integer("num_hidden_layers", 12, 1),
            json.integer("num_attention_heads", 12, 1),
            json.integer("num_channels", 3, 1),
            json.integer("image_size", 224, 1),
            json.integer("patch_size", 16, 1),
            json.positive("layer_norm_eps", 1e-6),
            GemmaConfig.gelu(json, "hidden_act"));
    if (c.hiddenSize % c.heads != 0) {
      throw json.bad("vision_config: num_attention_heads does not divide hidden_size");
    }
    if (c.channels != 3) {
      throw json.bad("vision_config.num_channels = " + c.channels + ", only 3 is supported");
    }
    if (c.patchSize > c.imageSize) {
      throw json.bad("vision_config: patch_size is larger than image_size");
    }
    return c;
  }

  /** The encoder layers. */
  EncoderConfig encoder() {
    return new EncoderConfig(hiddenSize, intermediateSize, layers, heads, layerNormEps, gelu);
  }

  /** Patches along one side; a rest at the right and bottom is not seen. */
  public int grid() {
    return imageSize / patchSize;
  }

  /** Patches of a picture. */
  public int patches() {
    return grid() * grid();
  }

  /** Width of one attention head. */
  public int headDim() {
    return hiddenSize / heads;
  }
}
