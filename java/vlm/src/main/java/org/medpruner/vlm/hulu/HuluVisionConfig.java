package org.medpruner.vlm.hulu;

import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.EncoderConfig;

/**
 * Hulu-Med's vision encoder, from {@code vision_encoder_config}; absent keys take the released
 * configuration class's defaults, which are not the released checkpoints' values.
 *
 * @param encoder its layers
 * @param channels colour planes, 3
 * @param patchSize side of a square patch in pixels
 */
record HuluVisionConfig(EncoderConfig encoder, int channels, int patchSize) {
  /** Base of the frequencies of the 2-D rotary embedding; fixed in the released code. */
  static final double ROPE_THETA = 10_000;

  static HuluVisionConfig of(JsonFile json) {
    int hidden = json.integer("hidden_size", 768, 1);
    int heads = json.integer("num_attention_heads", 12, 1);
    if (hidden % heads != 0 || hidden / heads % 4 != 0) {
      throw json.bad(
          "vision_encoder_config: "
              + heads
              + " num_attention_heads do not divide hidden_size = "
              + hidden
              + " into heads of a width divisible by 4");
    }
    int channels = json.integer("num_channels", 3, 1);
    if (channels != 3) {
      throw json.bad("vision_encoder_config.num_channels = " + channels + ", only 3 is supported");
    }
    EncoderConfig encoder =
        new EncoderConfig(
            hidden,
            json.integer("intermediate_size", 3072, 1),
            json.integer("num_hidden_layers", 12, 1),
            heads,
            json.positive("layer_norm_eps", 1e-6),
            Activation.read(json, "hidden_act", Activation.GELU_TANH));
    return new HuluVisionConfig(encoder, channels, json.integer("patch_size", 16, 1));
  }
}
