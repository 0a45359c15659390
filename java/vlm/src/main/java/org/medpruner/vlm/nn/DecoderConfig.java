package org.medpruner.vlm.nn;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.checkpoint.JsonFile;

/**
 * What a text decoder is made of: Gemma 3, Qwen3 and Qwen2 differ in these fields only.
 *
 * @param vocabSize rows of the embedding
 * @param hiddenSize width
 * @param intermediateSize width of the feed-forward part
 * @param layers number of decoder layers
 * @param heads query heads
 * @param kvHeads key and value heads; divides the query heads
 * @param headDim width of one head, even
 * @param contextLength most positions
 * @param rmsNormEps epsilon of the RMS norms
 * @param attentionScale factor of the attention logits
 * @param inputBias whether the q, k and v projections have biases
 * @param outputBias whether the o projection has one
 * @param queryKeyNorm whether queries and keys are normalised per head before rotation
 * @param outputNorms whether the outputs of attention and feed-forward are normalised too (Gemma 3)
 * @param unitOffset whether norms store w and multiply by 1 + w (Gemma 3)
 * @param activation of the feed-forward gate
 * @param slidingWindow positions a local layer sees, the own one included
 * @param local per layer, whether it is a local (sliding-window) one
 * @param globalRope rotary embedding of the global layers
 * @param localRope rotary embedding of the local layers
 */
public record DecoderConfig(
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
    boolean inputBias,
    boolean outputBias,
    boolean queryKeyNorm,
    boolean outputNorms,
    boolean unitOffset,
    Activation activation,
    int slidingWindow,
    List<Boolean> local,
    Rope globalRope,
    Rope localRope) {

  /**
   * A rotary embedding.
   *
   * @param theta base of the frequencies
   * @param factor linear scaling: the frequencies are divided by it
   * @param sections frequencies per position axis (time, height, width), which take turns:
   *     frequency i belongs to axis {@code i % 3} while {@code i < 3 * sections[i % 3]} and to the
   *     first axis otherwise (Qwen3-VL's interleaved M-RoPE); empty for one axis
   */
  public record Rope(double theta, double factor, List<Integer> sections) {
    /** Copies the list. */
    public Rope {
      sections = List.copyOf(sections);
    }

    /** One position axis. */
    public Rope(double theta, double factor) {
      this(theta, factor, List.of());
    }

    /**
     * The object that says how a rotary embedding is scaled, and may say its base: {@code
     * rope_scaling} of transformers 4, or {@code rope_parameters} of 5, which takes the first of
     * them that says anything.
     */
    public static JsonFile parameters(JsonFile json) {
      JsonFile scaling = json.object("rope_scaling");
      return scaling.entries().isEmpty() ? json.object("rope_parameters") : scaling;
    }

    /**
     * The {@link #factor} of an object that says how a rotary embedding is scaled: {@code default}
     * or {@code linear}.
     *
     * @throws org.medpruner.InputException if it names another kind, or the factor is not positive
     */
    public static double factor(JsonFile json) {
      String type = json.text("rope_type", json.text("type", "default"));
      return switch (type) {
        case "default" -> 1;
        case "linear" -> json.positive("factor", 1);
        default ->
            throw json.bad(
                "rope type \""
                    + JsonFile.printable(type)
                    + "\" is not supported, only default and linear");
      };
    }
  }

  /** Copies the list. */
  public DecoderConfig {
    local = List.copyOf(local);
    if (local.size() != layers) {
      throw new IllegalArgumentException("local has " + local.size() + " entries, not " + layers);
    }
  }

  /**
   * Which layers are local ones, as {@code layer_types} lists them.
   *
   * @return null where there is no such list
   * @throws org.medpruner.InputException if it has another number of layers or another kind of them
   */
  public static @Nullable List<Boolean> localLayers(JsonFile json, int layers) {
    JsonNode types = json.get("layer_types");
    if (types == null) {
      return null;
    }
    if (!types.isArray() || types.size() != layers) {
      throw json.bad("layer_types", types, "a list of num_hidden_layers = " + layers + " names");
    }
    List<Boolean> local = new ArrayList<>();
    for (JsonNode type : types) {
      switch (type.asText()) {
        case "sliding_attention" -> local.add(true);
        case "full_attention" -> local.add(false);
        default -> throw json.bad("layer_types", type, "sliding_attention or full_attention");
      }
    }
    return local;
  }

  /** The list of {@code layers} global layers. */
  public static List<Boolean> allGlobal(int layers) {
    return Collections.nCopies(layers, false);
  }
}
