package org.medpruner.vlm.qwen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.InputException;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.DecoderConfig.Rope;
import org.medpruner.vlm.nn.OutputHead;

class QwenConfigTest {
  /** The values published for the 4B model, as far as transformers' defaults differ. */
  private static final String FOUR_B =
      """
      {"architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl",
       "image_token_id": 151655, "vision_start_token_id": 151652, "vision_end_token_id": 151653,
       "tie_word_embeddings": true,
       "text_config": {"hidden_size": 2560, "num_hidden_layers": 36, "num_attention_heads": 32,
         "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 9728, "vocab_size": 151936,
         "max_position_embeddings": 262144, "rope_theta": 5000000, "eos_token_id": 151645, ROPE},
       "vision_config": {"depth": 24, "hidden_size": 1024, "num_heads": 16, "intermediate_size": 4096,
         "out_hidden_size": 2560, "deepstack_visual_indexes": [5, 11, 17],
         "num_position_embeddings": 2304}}
      """;

  private static final String ROPE =
      """
      "rope_scaling": {"mrope_interleaved": true, "mrope_section": [24, 20, 20],
       "rope_type": "default"}""";

  @TempDir Path folder;

  private QwenConfig read(String json) throws Exception {
    Files.writeString(folder.resolve("config.json"), json);
    return QwenConfig.read(folder);
  }

  @Test
  void fourB() throws Exception {
    QwenConfig c = read(FOUR_B.replace("ROPE", ROPE));
    assertEquals(36, c.text().layers());
    assertEquals(8, c.text().kvHeads());
    assertEquals(Activation.SILU, c.text().activation());
    assertTrue(c.text().queryKeyNorm());
    assertFalse(c.text().outputNorms());
    assertEquals(new Rope(5_000_000, 1, List.of(24, 20, 20)), c.text().globalRope());
    assertEquals(OutputHead.TIED, c.head());
    assertEquals(List.of(151_645), c.stopTokens());
    assertEquals(24, c.vision().layers());
    assertEquals(64, c.vision().headDim());
    assertEquals(48, c.vision().positionSide());
    assertEquals(1536, c.vision().patchValues());
    assertEquals(List.of(5, 11, 17), c.vision().deepStack());
    assertEquals(Activation.GELU_TANH, c.vision().activation());
    assertEquals(10_000, c.vision().ropeTheta());
  }

  /** transformers 4 and 5 spell the rotary embedding differently. */
  @Test
  void bothSpellingsOfTheRotaryEmbedding() throws Exception {
    QwenConfig old = read(FOUR_B.replace("ROPE", ROPE));
    String inOne =
        """
        "rope_parameters": {"mrope_section": [24, 20, 20], "rope_type": "default",
         "rope_theta": 5000000}""";
    assertEquals(old, read(FOUR_B.replace("\"rope_theta\": 5000000, ", "").replace("ROPE", inOne)));
    String mrope = ROPE.replace("\"rope_type\": \"default\"", "\"type\": \"mrope\"");
    assertEquals(old, read(FOUR_B.replace("ROPE", mrope)));
  }

  @Test
  void absentKeysTakeTransformersDefaults() throws Exception {
    QwenConfig c =
        read(
            "{\"vision_config\": {\"out_hidden_size\": 4096}, \"text_config\": {\"rope_theta\": 1e6}}");
    assertEquals(32, c.text().layers());
    assertEquals(151_936, c.text().vocabSize());
    assertEquals(new Rope(1_000_000, 1, List.of(24, 20, 20)), c.text().globalRope());
    assertEquals(List.of(8, 16, 24), c.vision().deepStack());
    assertEquals(151_655, c.imageToken());
    assertEquals(OutputHead.OWN, c.head());
  }

  /** The text model's key counts for transformers 4, the other for 5: either ties the head. */
  @Test
  void twoPlacesThatDisagreeAboutTheHead() throws Exception {
    String text = "\"text_config\": {\"tie_word_embeddings\": ";
    for (String[] value : new String[][] {{"true", "false"}, {"false", "true"}}) {
      QwenConfig c =
          read(
              FOUR_B
                  .replace("ROPE", ROPE)
                  .replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": " + value[0])
                  .replace("\"text_config\": {", text + value[1] + ", "));
      assertEquals(OutputHead.TIED, c.head());
    }
    String textAlone =
        "{\"vision_config\": {\"out_hidden_size\": 4096}, " + text + "true, \"rope_theta\": 1e6}}";
    assertEquals(OutputHead.TIED, read(textAlone).head());
  }

  /** transformers 5 takes the base inside the rotary embedding's own object if there are two. */
  @Test
  void theInnerBaseCounts() throws Exception {
    for (String name : List.of("rope_parameters", "rope_scaling")) {
      String inner = "\"" + name + "\": {\"rope_type\": \"default\", \"rope_theta\": 1e3}";
      assertEquals(
          1000, read(FOUR_B.replace("ROPE", inner)).text().globalRope().theta(), "in " + name);
    }
    String empty = "\"rope_scaling\": {}, \"rope_parameters\": {\"rope_theta\": 1e3}";
    assertEquals(1000, read(FOUR_B.replace("ROPE", empty)).text().globalRope().theta());
  }

  /** null is as many as there are heads, absence transformers' 32. */
  @Test
  void keyHeadsThatAreNull() throws Exception {
    String json = FOUR_B.replace("ROPE", ROPE).replace("_heads\": 32", "_heads\": 64");
    String given = "\"num_key_value_heads\": 8, ";
    assertTrue(json.contains(given));
    assertEquals(64, read(json.replace(given, "\"num_key_value_heads\": null, ")).text().kvHeads());
    assertEquals(32, read(json.replace(given, "")).text().kvHeads());
  }

  /** transformers' own tests have such configurations. */
  @Test
  void sectionsNeedNotFillTheHead() throws Exception {
    QwenConfig c = read(FOUR_B.replace("ROPE", ROPE.replace("[24, 20, 20]", "[16, 8, 8]")));
    assertEquals(List.of(16, 8, 8), c.text().globalRope().sections());
  }

  /** "default" is what transformers takes for "axial". */
  @ParameterizedTest
  @ValueSource(strings = {"axial", "default"})
  void theTowersRotaryBase(String type) throws Exception {
    String rope =
        "\"depth\": 24, \"rope_parameters\": {\"rope_type\": \""
            + type
            + "\", \"rope_theta\": 500.0}";
    QwenConfig c = read(FOUR_B.replace("ROPE", ROPE).replace("\"depth\": 24", rope));
    assertEquals(500, c.vision().ropeTheta());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"out_hidden_size\": 2560 | \"out_hidden_size\": 100 | out_hidden_size",
        "[5, 11, 17] | [5, 11, 24] | deepstack_visual_indexes",
        "[5, 11, 17] | [5, 5, 17] | deepstack_visual_indexes",
        "[24, 20, 20] | [32, 32] | mrope_section",
        "\"mrope_interleaved\": true | \"mrope_interleaved\": false | mrope_interleaved",
        "\"rope_type\": \"default\" | \"rope_type\": \"yarn\" | yarn",
        "\"num_position_embeddings\": 2304 | \"num_position_embeddings\": 2300 | num_position_embeddings",
        "\"depth\": 24 | \"depth\": 24, \"rope_parameters\": {\"rope_type\": \"dynamic\"} | vision_config.rope_parameters.rope_type = \"dynamic\"",
        "\"num_heads\": 16 | \"num_heads\": 15 | num_heads",
        "\"depth\": 24 | \"depth\": 24, \"in_channels\": 1 | in_channels",
        "\"depth\": 24 | \"depth\": 24, \"hidden_act\": \"relu\" | hidden_act",
        "\"num_key_value_heads\": 8 | \"num_key_value_heads\": 7 | num_key_value_heads",
        "\"rope_theta\": 5000000, | | text_config.rope_theta is missing",
        "\"head_dim\": 128 | \"head_dim\": 128, \"use_sliding_window\": true | sliding windows",
        "\"num_hidden_layers\": 36 | \"num_hidden_layers\": 1, \"layer_types\": [\"sliding_attention\"] | sliding windows",
      })
  void badValuesAreNamed(String good, @Nullable String bad, String named) {
    String json = FOUR_B.replace("ROPE", ROPE);
    assertTrue(json.contains(good), good);
    String changed = json.replace(good, bad == null ? "" : bad);
    InputException e = assertThrows(InputException.class, () -> read(changed));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("config.json") && message.contains(named), message);
    assertEquals(1, message.lines().count(), message);
  }
}
