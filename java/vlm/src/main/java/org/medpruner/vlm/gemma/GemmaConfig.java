package org.medpruner.vlm.gemma;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.medpruner.InputException;
import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.DecoderConfig;
import org.medpruner.vlm.nn.OutputHead;

/**
 * A checkpoint's {@code config.json}; every number of the model comes from it, absent keys take
 * transformers' defaults.
 *
 * @param architecture "Gemma3ForConditionalGeneration"
 * @param text text model
 * @param vision vision tower
 * @param tokensPerImage visual tokens of a picture, a square number
 * @param imageToken id of the image soft token
 * @param beginOfImageToken id of the marker before a picture
 * @param endOfImageToken id of the marker after a picture
 * @param head whether the output head is the embedding
 * @param stopTokens ids that end an answer, used when {@code generation_config.json} has none
 */
public record GemmaConfig(
    String architecture,
    DecoderConfig text,
    SiglipConfig vision,
    int tokensPerImage,
    int imageToken,
    int beginOfImageToken,
    int endOfImageToken,
    OutputHead head,
    List<Integer> stopTokens) {

  /** What {@code config.json} calls it. */
  public static final String ARCHITECTURE = "Gemma3ForConditionalGeneration";

  /** Copies the list. */
  public GemmaConfig {
    stopTokens = List.copyOf(stopTokens);
  }

  /**
   * Reads {@code config.json} of a folder.
   *
   * @throws InputException if it is missing, not JSON, or a value is out of range; the message
   *     names the file and the key
   */
  public static GemmaConfig read(Path folder) {
    JsonFile json = JsonFile.read(folder.resolve("config.json"));
    JsonFile textJson = json.object("text_config");
    DecoderConfig text = GemmaTextConfig.of(textJson);
    SiglipConfig vision = SiglipConfig.of(json.object("vision_config"));
    int tokens = json.integer("mm_tokens_per_image", 256, 1);
    int side = (int) Math.round(Math.sqrt(tokens));
    if (side * side != tokens || vision.grid() % side != 0) {
      throw json.bad(
          "mm_tokens_per_image = "
              + tokens
              + " does not divide the "
              + vision.grid()
              + " x "
              + vision.grid()
              + " patch grid into square blocks");
    }
    int[] stop =
        Objects.requireNonNullElseGet(
            json.integers("eos_token_id"),
            () -> Objects.requireNonNullElse(textJson.integers("eos_token_id"), new int[] {1}));
    return new GemmaConfig(
        ARCHITECTURE,
        text,
        vision,
        tokens,
        tokenId(json, "image_token", 262_144),
        tokenId(json, "boi_token", 255_999),
        tokenId(json, "eoi_token", 256_000),
        OutputHead.of(
            json.bool("tie_word_embeddings", true), textJson.bool("tie_word_embeddings", true)),
        Arrays.stream(stop).boxed().toList());
  }

  /** Older configurations say {@code ..._index}, newer ones {@code ..._id}. */
  private static int tokenId(JsonFile json, String stem, int defaultValue) {
    return json.integer(stem + "_index", json.integer(stem + "_id", defaultValue, 0), 0);
  }

  /** One of the two spellings of GELU. */
  static Activation gelu(JsonFile json, String key) {
    String name = json.text(key, Activation.GELU_TANH.configName());
    return switch (name) {
      case "gelu_pytorch_tanh" -> Activation.GELU_TANH;
      case "gelu" -> Activation.GELU;
      default ->
          throw json.bad(
              key + " = \"" + JsonFile.printable(name) + "\", must be gelu_pytorch_tanh or gelu");
    };
  }

  /** Tokens along one side of a picture. */
  public int tokenGrid() {
    return (int) Math.round(Math.sqrt(tokensPerImage));
  }

  /** Side, in patches, of the square block that makes one token. */
  public int poolBlock() {
    return vision.grid() / tokenGrid();
  }
}
