package org.medpruner.vlm.hulu;

import java.util.ArrayList;
import java.util.List;
import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.DecoderConfig;
import org.medpruner.vlm.nn.DecoderConfig.Rope;

/** The Qwen2 or Qwen3 decoder of a Hulu-Med checkpoint; absent keys take transformers' defaults. */
final class HuluTextConfig {
  private HuluTextConfig() {}

  static DecoderConfig of(JsonFile json, boolean qwen3) {
    int layers = json.integer("num_hidden_layers", 32, 1);
    int hidden = json.integer("hidden_size", 4096, 1);
    int heads = json.integer("num_attention_heads", 32, 1);
    int kvHeads =
        json.integer(
            "num_key_value_heads", qwen3 && !json.isNull("num_key_value_heads") ? 32 : heads, 1);
    if (heads % kvHeads != 0) {
      throw json.bad(
          "num_key_value_heads = " + kvHeads + " does not divide num_attention_heads = " + heads);
    }
    if (!qwen3 && !json.has("head_dim") && hidden % heads != 0) {
      throw json.bad("num_attention_heads = " + heads + " does not divide hidden_size = " + hidden);
    }
    int headDim = json.integer("head_dim", qwen3 ? 128 : hidden / heads, 2);
    if (headDim % 2 != 0) {
      throw json.bad("head_dim = " + headDim + ", must be even");
    }
    // Qwen2 has biases on q, k and v whatever the file says, Qwen3 on all four or none.
    boolean bias = qwen3 && json.bool("attention_bias", false);
    // An absent length is the default one; null says that there is no window.
    boolean windows = json.bool("use_sliding_window", false) && !json.isNull("sliding_window");
    Rope rope = rope(json);
    return new DecoderConfig(
        json.integer("vocab_size", 151_936, 1),
        hidden,
        json.integer("intermediate_size", 22_016, 1),
        layers,
        heads,
        kvHeads,
        headDim,
        json.integer("max_position_embeddings", 32_768, 1),
        json.positive("rms_norm_eps", 1e-6),
        1 / Math.sqrt(headDim),
        !qwen3 || bias,
        bias,
        qwen3,
        false,
        false,
        Activation.read(json, "hidden_act", Activation.SILU),
        windows ? json.integer("sliding_window", 4096, 1) : Integer.MAX_VALUE,
        windows ? localLayers(json, layers) : DecoderConfig.allGlobal(layers),
        rope,
        rope);
  }

  /** transformers 4 has the base {@code rope_theta} outside, 5 inside, which counts if both are. */
  private static Rope rope(JsonFile json) {
    JsonFile given = Rope.parameters(json);
    double theta = given.positive("rope_theta", json.positive("rope_theta", 10_000));
    return new Rope(theta, Rope.factor(given));
  }

  private static List<Boolean> localLayers(JsonFile json, int layers) {
    List<Boolean> listed = DecoderConfig.localLayers(json, layers);
    if (listed != null) {
      return listed;
    }
    int first = json.integer("max_window_layers", 28, 0);
    List<Boolean> local = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      local.add(i >= first);
    }
    return local;
  }
}
