package org.medpruner.vlm.gemma;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.nn.DecoderConfig;
import org.medpruner.vlm.nn.DecoderConfig.Rope;

/** Gemma 3's {@code text_config}; absent keys take transformers' defaults. */
final class GemmaTextConfig {
  private GemmaTextConfig() {}

  static DecoderConfig of(JsonFile json) {
    int layers = json.integer("num_hidden_layers", 26, 1);
    JsonFile rope = json.object("rope_parameters");
    boolean nested = rope.has("full_attention") || rope.has("sliding_attention");
    if (!nested && !rope.entries().isEmpty()) {
      throw json.bad(
          "text_config.rope_parameters has neither full_attention nor sliding_attention, so it"
              + " does not say of which layers it is");
    }
    // transformers 4 reads rope_scaling alone, 5 lays it over the global layers' parameters.
    Rope global =
        rope(
            json.object("rope_scaling").over(rope.object("full_attention")),
            json.positive("rope_theta", 1_000_000));
    Rope local =
        rope(rope.object("sliding_attention"), json.positive("rope_local_base_freq", 10_000));
    for (String unsupported : List.of("attn_logit_softcapping", "final_logit_softcapping")) {
      JsonNode v = json.get(unsupported);
      if (v != null) {
        throw json.bad(unsupported, v, "null: soft-capping is not part of Gemma 3");
      }
    }
    if (json.bool("use_bidirectional_attention", false)) {
      throw json.bad("text_config.use_bidirectional_attention is set, but is not supported");
    }
    boolean bias = json.bool("attention_bias", false);
    DecoderConfig c =
        new DecoderConfig(
            json.integer("vocab_size", 262_208, 1),
            json.integer("hidden_size", 2304, 1),
            json.integer("intermediate_size", 9216, 1),
            layers,
            json.integer("num_attention_heads", 8, 1),
            json.integer("num_key_value_heads", 4, 1),
            json.integer("head_dim", 256, 2),
            json.integer("max_position_embeddings", 131_072, 1),
            json.positive("rms_norm_eps", 1e-6),
            1 / Math.sqrt(json.positive("query_pre_attn_scalar", 256)),
            bias,
            bias,
            true,
            true,
            true,
            GemmaConfig.gelu(json, "hidden_activation"),
            json.integer("sliding_window", 4096, 1),
            localLayers(json, layers),
            global,
            local);
    if (c.heads() % c.kvHeads() != 0) {
      throw json.bad("text_config: num_key_value_heads does not divide num_attention_heads");
    }
    if (c.headDim() % 2 != 0) {
      throw json.bad("text_config.head_dim = " + c.headDim() + ", must be even");
    }
    return c;
  }

  private static Rope rope(JsonFile json, double theta) {
    return new Rope(json.positive("rope_theta", theta), Rope.factor(json));
  }

  private static List<Boolean> localLayers(JsonFile json, int layers) {
    List<Boolean> listed = DecoderConfig.localLayers(json, layers);
    if (listed != null) {
      return listed;
    }
    List<Boolean> local = new ArrayList<>();
    int pattern =
        json.integer("sliding_window_pattern", json.integer("_sliding_window_pattern", 6, 1), 1);
    for (int i = 0; i < layers; i++) {
      local.add((i + 1) % pattern != 0);
    }
    return local;
  }
}
