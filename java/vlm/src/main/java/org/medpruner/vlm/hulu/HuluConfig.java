package org.medpruner.vlm.hulu;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.nn.DecoderConfig;
import org.medpruner.vlm.nn.OutputHead;

/**
 * A checkpoint's {@code config.json}; every number of the model comes from it, absent keys take the
 * released configuration classes' defaults.
 *
 * @param architecture as the file names it
 * @param text language model, whose keys stand at the top of the file
 * @param vision vision encoder
 * @param projectorLayers linear layers of the projector: 2 for {@code mlp2x_gelu}, 0 for {@code
 *     linear}, which is one layer of another name
 * @param imageToken id of the image token, or -1 where the tokenizer has to tell
 * @param head whether the output head is the embedding
 * @param stopTokens ids that end an answer, used when {@code generation_config.json} has none
 */
public record HuluConfig(
    String architecture,
    DecoderConfig text,
    HuluVisionConfig vision,
    int projectorLayers,
    int imageToken,
    OutputHead head,
    List<Integer> stopTokens) {
  /** Hulu-Med 7B: a Qwen2 decoder. */
  public static final String QWEN2 = "HulumedQwen2ForCausalLM";

  /** Hulu-Med 4B and 14B: a Qwen3 decoder. */
  public static final String QWEN3 = "HulumedQwen3ForCausalLM";

  /** The ids of {@code <|im_end|>} and {@code <|endoftext|>} in every Qwen vocabulary. */
  private static final int[] QWEN_STOPS = {151_645, 151_643};

  private static final Pattern MLP = Pattern.compile("mlp(\\d{1,2})x_gelu");

  /** Copies the list. */
  public HuluConfig {
    stopTokens = List.copyOf(stopTokens);
  }

  /**
   * Reads {@code config.json} of a folder whose architecture is {@link #QWEN2} or {@link #QWEN3}.
   *
   * @throws org.medpruner.InputException if it is missing, not JSON, or a value is out of range or
   *     not supported; the message names the file and the key
   */
  public static HuluConfig read(Path folder) {
    JsonFile json = JsonFile.read(folder.resolve("config.json"));
    boolean qwen3 = isQwen3(json);
    if (!json.has("vision_encoder_config")) {
      throw json.bad(
          "vision_encoder_config is missing, so the vision encoder is not in this folder; save the"
              + " whole model into one");
    }
    int[] stop = json.integers("eos_token_id");
    return new HuluConfig(
        qwen3 ? QWEN3 : QWEN2,
        HuluTextConfig.of(json, qwen3),
        HuluVisionConfig.of(json.object("vision_encoder_config")),
        projectorLayers(json),
        json.integer("image_token_index", -1, -1),
        json.bool("tie_word_embeddings", false) ? OutputHead.TIED : OutputHead.OWN,
        Arrays.stream(stop == null ? QWEN_STOPS : stop).boxed().toList());
  }

  private static boolean isQwen3(JsonFile json) {
    JsonNode names = json.get("architectures");
    return names != null && names.isArray() && !names.isEmpty()
        ? names.get(0).asText().equals(QWEN3)
        : json.text("model_type", "").equals("hulumed_qwen3");
  }

  private static int projectorLayers(JsonFile json) {
    String type = json.text("mm_projector_type", "linear");
    if (type.equals("linear")) {
      return 0;
    }
    Matcher m = MLP.matcher(type);
    if (m.matches() && !m.group(1).equals("0")) {
      return Integer.parseInt(m.group(1));
    }
    throw json.bad(
        "mm_projector_type = \""
            + JsonFile.printable(type)
            + "\", must be linear or mlpNx_gelu with a number of layers N, as mlp2x_gelu");
  }
}
