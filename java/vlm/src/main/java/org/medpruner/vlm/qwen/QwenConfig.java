package org.medpruner.vlm.qwen;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.DecoderConfig;
import org.medpruner.vlm.nn.DecoderConfig.Rope;
import org.medpruner.vlm.nn.OutputHead;

/**
 * A Qwen3-VL checkpoint's {@code config.json}; every number of the model comes from it, absent keys
 * take transformers' defaults.
 *
 * @param text text model
 * @param vision vision tower
 * @param imageToken id of the image token
 * @param head whether the output head is the embedding
 * @param stopTokens ids that end an answer, used when {@code generation_config.json} has none
 */
public record QwenConfig(
    DecoderConfig text,
    QwenVisionConfig vision,
    int imageToken,
    OutputHead head,
    List<Integer> stopTokens) {

  /** What {@code config.json} calls it. */
  public static final String ARCHITECTURE = "Qwen3VLForConditionalGeneration";

  /** Position axes of M-RoPE: time, height, width. */
  static final int AXES = 3;

  private static final int IM_END = 151_645;
  private static final int[] SECTIONS = {24, 20, 20};

  /** Copies the list. */
  public QwenConfig {
    stopTokens = List.copyOf(stopTokens);
  }

  /**
   * Reads {@code config.json} of a folder.
   *
   * @throws org.medpruner.InputException if it is missing, not JSON, or a value is out of range;
   *     the message names the file and the key
   */
  public static QwenConfig read(Path folder) {
    JsonFile json = JsonFile.read(folder.resolve("config.json"));
    JsonFile textJson = json.object("text_config");
    DecoderConfig text = text(textJson);
    QwenVisionConfig vision = QwenVisionConfig.of(json.object("vision_config"));
    if (vision.outputSize() != text.hiddenSize()) {
      throw json.bad(
          "vision_config.out_hidden_size = "
              + vision.outputSize()
              + ", but text_config.hidden_size = "
              + text.hiddenSize());
    }
    if (vision.deepStack().size() > text.layers()) {
      throw json.bad(
          "vision_config.deepstack_visual_indexes names "
              + vision.deepStack().size()
              + " planes, but the text model has only "
              + text.layers()
              + " layers to add them after");
    }
    int[] stop =
        Objects.requireNonNullElseGet(
            json.integers("eos_token_id"),
            () ->
                Objects.requireNonNullElse(textJson.integers("eos_token_id"), new int[] {IM_END}));
    return new QwenConfig(
        text,
        vision,
        json.integer("image_token_id", 151_655, 0),
        OutputHead.of(
            json.bool("tie_word_embeddings", false), textJson.bool("tie_word_embeddings", false)),
        Arrays.stream(stop).boxed().toList());
  }

  private static DecoderConfig text(JsonFile json) {
    int layers = json.integer("num_hidden_layers", 32, 1);
    int heads = json.integer("num_attention_heads", 32, 1);
    int headDim = json.integer("head_dim", 128, 2);
    boolean bias = json.bool("attention_bias", false);
    Rope rope = rope(json);
    List<Boolean> local = DecoderConfig.localLayers(json, layers);
    if (json.bool("use_sliding_window", false) || (local != null && local.contains(true))) {
      throw json.bad("text_config asks for sliding windows, which Qwen3-VL's layers do not have");
    }
    DecoderConfig c =
        new DecoderConfig(
            json.integer("vocab_size", 151_936, 1),
            json.integer("hidden_size", 4096, 1),
            json.integer("intermediate_size", 22_016, 1),
            layers,
            heads,
            json.integer("num_key_value_heads", json.isNull("num_key_value_heads") ? heads : 32, 1),
            headDim,
            json.integer("max_position_embeddings", 128_000, 1),
            json.positive("rms_norm_eps", 1e-6),
            1 / Math.sqrt(headDim),
            bias,
            bias,
            true,
            false,
            false,
            Activation.read(json, "hidden_act", Activation.SILU),
            Integer.MAX_VALUE,
            DecoderConfig.allGlobal(layers),
            rope,
            rope);
    if (c.heads() % c.kvHeads() != 0) {
      throw json.bad("text_config: num_key_value_heads does not divide num_attention_heads");
    }
    if (headDim % 2 != 0) {
      throw json.bad("text_config.head_dim = " + headDim + ", must be even");
    }
    return c;
  }

  /** transformers 4 says rope_theta and rope_scaling, 5 puts both in rope_parameters. */
  private static Rope rope(JsonFile json) {
    JsonFile rope = Rope.parameters(json);
    String type = rope.text("rope_type", rope.text("type", "default"));
    // Before "default" Qwen's own files called three-axis positions "mrope".
    if (!type.equals("default") && !type.equals("mrope")) {
      throw json.bad(
          "rope type \"" + JsonFile.printable(type) + "\" is not supported, only default");
    }
    if (!rope.bool("mrope_interleaved", true)) {
      throw json.bad("mrope_interleaved is false, but Qwen3-VL's sections take turns");
    }
    int[] sections = Objects.requireNonNullElse(rope.integers("mrope_section"), SECTIONS);
    // They need not add up to head_dim / 2: what they leave over turns by time, as in transformers.
    if (sections.length != AXES) {
      throw json.bad("mrope_section = " + Arrays.toString(sections) + ", must be three numbers");
    }
    if (!rope.has("rope_theta") && !json.has("rope_theta")) {
      throw json.bad(
          "text_config.rope_theta is missing; transformers 4 would take 5,000,000 and 5 500,000");
    }
    // Where it stands in both places, transformers 5 takes the inner one.
    return new Rope(
        rope.positive("rope_theta", json.positive("rope_theta", 1)),
        1,
        IntStream.of(sections).boxed().toList());
  }
}
