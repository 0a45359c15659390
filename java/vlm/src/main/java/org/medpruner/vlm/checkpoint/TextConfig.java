package org.medpruner.vlm.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * Gemma 3 text model, from {@code text_config}; absent keys take transformers' defaults.
 *
 * @param vocabSize rows of the embedding
 * @param hiddenSize width
 * @param intermediateSize width of the feed-forward part
 * @param layers number of decoder layers
 * @param heads query heads
 * @param kvHeads key and value heads; divides the query heads
 * @param headDim width of one head
 * @param contextLength most positions
 * @param rmsNormEps epsilon of the RMS norms
 * @param attentionScale factor of the attention logits, 1/sqrt(query_pre_attn_scalar)
 * @param attentionBias whether the attention projections have biases
 * @param gelu approximation of the activation, "tanh" or "none"
 * @param slidingWindow positions a local layer sees, the own one included
 * @param local per layer, whether it is a local (sliding-window) one
 * @param globalRope rotary embedding of the global layers
 * @param localRope rotary embedding of the local layers
 */
public record TextConfig(
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int contextLength,
    double rmsNormEps,
    double attentionScale,
    boolean attentionBias,
    String gelu,
    int slidingWindow,
    List<Boolean> local,
    Rope globalRope,
    Rope localRope) {

  /**
   * A rotary embedding.
   *
   * @param theta base of the frequencies
   * @param factor linear scaling: the frequencies are divided by it
   */
  public record Rope(double theta, double factor) {}

  /** Copies the list. */
  public TextConfig {
    local = List.copyOf(local);
  }

  static TextConfig of(JsonFile json) {
    int layers = json.integer("num_hidden_layers", 26, 1);
    JsonFile rope = json.object("rope_parameters");
    boolean nested = rope.has("full_attention") || rope.has("sliding_attention");
    Rope global;
    Rope local;
    if (nested) {
      global = rope(rope.object("full_attention"), 1_000_000);
      local = rope(rope.object("sliding_attention"), 10_000);
    } else {
      JsonFile scaling = json.object(json.has("rope_scaling") ? "rope_scaling" : "rope_parameters");
      double theta = json.positive("rope_theta", scaling.positive("rope_theta", 1_000_000));
      global = new Rope(theta, rope(scaling, theta).factor());
      local = new Rope(json.positive("rope_local_base_freq", 10_000), 1);
    }
    for (String unsupported : List.of("attn_logit_softcapping", "final_logit_softcapping")) {
      JsonNode v = json.get(unsupported);
      if (v != null) {
        throw json.bad(unsupported, v, "null: soft-capping is not part of Gemma 3");
      }
    }
    if (json.bool("use_bidirectional_attention", false)) {
      throw json.bad("text_config.use_bidirectional_attention is set, but is not supported");
    }
    TextConfig c =
        new TextConfig(
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
            json.bool("attention_bias", false),
            ModelConfig.gelu(json, "hidden_activation"),
            json.integer("sliding_window", 4096, 1),
            localLayers(json, layers),
            global,
            local);
    if (c.heads % c.kvHeads != 0) {
      throw json.bad("text_config: num_key_value_heads does not divide num_attention_heads");
    }
    if (c.headDim % 2 != 0) {
      throw json.bad("text_config.head_dim = " + c.headDim + ", must be even");
    }
    return c;
  }

  private static Rope rope(JsonFile json, double theta) {
    String type = json.text("rope_type", json.text("type", "default"));
    return switch (type) {
      case "default" -> new Rope(json.positive("rope_theta", theta), 1);
      case "linear" -> new Rope(json.positive("rope_theta", theta), json.positive("factor", 1));
      default ->
          throw json.bad(
              "rope type \""
                  + JsonFile.printable(type)
                  + "\" is not supported, only default and linear");
    };
  }

  private static List<Boolean> localLayers(JsonFile json, int layers) {
    List<Boolean> local = new ArrayList<>();
    JsonNode types = json.get("layer_types");
    if (types != null) {
      if (!types.isArray() || types.size() != layers) {
        throw json.bad("layer_types", types, "a list of num_hidden_layers = " + layers + " names");
      }
      for (JsonNode t : types) {
        switch (t.asText()) {
          case "sliding_attention" -> local.add(true);
          case "full_attention" -> local.add(false);
          default -> throw json.bad("layer_types", t, "sliding_attention or full_attention");
        }
      }
      return local;
    }
    int pattern =
        json.integer("sliding_window_pattern", json.integer("_sliding_window_pattern", 6, 1), 1);
    for (int i = 0; i < layers; i++) {
      local.add((i + 1) % pattern != 0);
    }
    return local;
  }
}
