package org.medpruner.vlm.gemma;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.InputException;
import org.medpruner.vlm.checkpoint.GenerationConfig;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.DecoderConfig;
import org.medpruner.vlm.nn.OutputHead;

class GemmaConfigTest {
  @TempDir Path folder;

  private GemmaConfig read(String json) throws IOException {
    Files.writeString(folder.resolve("config.json"), json);
    return GemmaConfig.read(folder);
  }

  private static final String VISION =
      "\"vision_config\":{\"hidden_size\":1152,\"image_size\":896,\"intermediate_size\":4304,"
          + "\"num_attention_heads\":16,\"num_hidden_layers\":27,\"patch_size\":14}";

  /** The few keys of gemma-3-4b-it; everything else is transformers' default. */
  @Test
  void absentKeysTakeTransformersDefaults() throws IOException {
    GemmaConfig c =
        read(
            "{\"architectures\":[\"Gemma3ForConditionalGeneration\"],\"text_config\":{"
                + "\"hidden_size\":2560,\"intermediate_size\":10240,\"num_hidden_layers\":34,"
                + "\"rope_scaling\":{\"factor\":8.0,\"rope_type\":\"linear\"},"
                + "\"sliding_window\":1024},"
                + VISION
                + "}");
    DecoderConfig t = c.text();
    assertEquals(262_208, t.vocabSize());
    assertEquals(8, t.heads());
    assertEquals(4, t.kvHeads());
    assertEquals(256, t.headDim());
    assertEquals(131_072, t.contextLength());
    assertEquals(1.0 / 16, t.attentionScale());
    assertEquals(new DecoderConfig.Rope(1_000_000, 8), t.globalRope());
    assertEquals(new DecoderConfig.Rope(10_000, 1), t.localRope());
    assertEquals(Activation.GELU_TANH, t.activation());
    assertEquals(1024, t.slidingWindow());
    for (int i = 0; i < 34; i++) {
      assertEquals((i + 1) % 6 != 0, t.local().get(i), "layer " + i);
    }
    assertEquals(256, c.tokensPerImage());
    assertEquals(16, c.tokenGrid());
    assertEquals(4, c.poolBlock());
    assertEquals(4096, c.vision().patches());
    assertEquals(72, c.vision().headDim());
    assertEquals(262_144, c.imageToken());
    assertEquals(255_999, c.beginOfImageToken());
    assertEquals(256_000, c.endOfImageToken());
    assertEquals(OutputHead.TIED, c.head());
  }

  /** transformers 4 goes by the text model's key, 5 by the other; either ties the head. */
  @ParameterizedTest
  @CsvSource({
    "true, true, TIED",
    "false, false, OWN",
    "false, , TIED",
    ", false, TIED",
    "false, true, TIED",
    "true, , TIED",
  })
  void theTwoPlacesThatTieTheHead(@Nullable String model, @Nullable String text, OutputHead head)
      throws IOException {
    GemmaConfig c =
        read("{\"text_config\":{" + tied(text, "") + "}," + tied(model, ",") + VISION + "}");
    assertEquals(head, c.head());
  }

  private static String tied(@Nullable String value, String end) {
    return value == null ? "" : "\"tie_word_embeddings\":" + value + end;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"rope_theta\":5e5,\"rope_local_base_freq\":2e4,\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":4}",
        "\"rope_theta\":5e5,\"rope_local_base_freq\":2e4,\"rope_scaling\":{\"type\":\"linear\",\"factor\":4}",
        "\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":4,\"rope_theta\":5e5},\"sliding_attention\":{\"rope_type\":\"default\",\"rope_theta\":2e4}}",
        "\"rope_theta\":5e5,\"rope_local_base_freq\":2e4,\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":4}}",
        "\"rope_theta\":1,\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":4,\"rope_theta\":5e5},\"rope_local_base_freq\":2e4",
        "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":4},\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"default\",\"rope_theta\":5e5},\"sliding_attention\":{\"rope_theta\":2e4}}",
        "\"rope_scaling\":{\"factor\":4},\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":8,\"rope_theta\":5e5},\"sliding_attention\":{\"rope_theta\":2e4}}",
      })
  void bothRopeSpellings(String rope) throws IOException {
    DecoderConfig t =
        read("{\"model_type\":\"gemma3\",\"text_config\":{" + rope + "}," + VISION + "}").text();
    assertEquals(new DecoderConfig.Rope(5e5, 4), t.globalRope());
    assertEquals(new DecoderConfig.Rope(2e4, 1), t.localRope());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"sliding_window_pattern\":2",
        "\"_sliding_window_pattern\":2",
        "\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\",\"full_attention\"]",
      })
  void allPatternSpellings(String pattern) throws IOException {
    GemmaConfig c =
        read(
            "{\"model_type\":\"gemma3\",\"boi_token_id\":1,\"eoi_token_index\":2,\"image_token_id\":3,"
                + "\"eos_token_id\":[1,106],\"tie_word_embeddings\":false,"
                + "\"text_config\":{\"num_hidden_layers\":4,"
                + pattern
                + "},"
                + VISION
                + "}");
    assertEquals(List.of(true, false, true, false), c.text().local());
    assertEquals(1, c.beginOfImageToken());
    assertEquals(2, c.endOfImageToken());
    assertEquals(3, c.imageToken());
    assertEquals(List.of(1, 106), c.stopTokens());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{ | not valid JSON",
        "[] | not a JSON object",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"head_dim\":\"x\"}} | text_config.head_dim = \"x\", must be an integer >= 2",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"num_hidden_layers\":0}} | text_config.num_hidden_layers = 0",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"head_dim\":7}} | must be even",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"num_attention_heads\":3,\"num_key_value_heads\":2}} | does not divide num_attention_heads",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"rms_norm_eps\":-1}} | text_config.rms_norm_eps = -1",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"layer_types\":[\"full_attention\"]}} | layer_types",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"rope_scaling\":{\"rope_type\":\"yarn\"}}} | rope type \"yarn\"",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"rope_scaling\":{\"rope_type\":\"yarn\"},\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\"}}}} | rope type \"yarn\"",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":8}}} | neither full_attention nor sliding_attention",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"final_logit_softcapping\":30}} | soft-capping",
        "{\"model_type\":\"gemma3\",\"text_config\":{\"hidden_activation\":\"relu\"}} | hidden_activation = \"relu\"",
        "{\"model_type\":\"gemma3\",\"text_config\":7} | text_config = 7, must be an object",
        "{\"model_type\":\"gemma3\",\"vision_config\":{\"num_attention_heads\":5}} | num_attention_heads does not divide hidden_size",
        "{\"model_type\":\"gemma3\",\"vision_config\":{\"patch_size\":999}} | patch_size is larger",
        "{\"model_type\":\"gemma3\",\"mm_tokens_per_image\":200} | mm_tokens_per_image = 200",
        "{\"model_type\":\"gemma3\",\"mm_tokens_per_image\":25} | mm_tokens_per_image = 25",
      })
  void badConfigurationsAreRefused(String json, String expected) {
    InputException e = assertThrows(InputException.class, () -> read(json));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.startsWith(folder.resolve("config.json") + ": "), message);
    assertTrue(message.contains(expected), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void theGenerationConfigurationMayBeAbsentOneIdOrAList() throws IOException {
    GemmaConfig c = read("{\"model_type\":\"gemma3\",\"eos_token_id\":9," + VISION + "}");
    assertEquals(new GenerationConfig(Set.of(9), 0), GenerationConfig.read(folder, c.stopTokens()));
    Path file = folder.resolve("generation_config.json");
    Files.writeString(file, "{\"eos_token_id\":1,\"max_new_tokens\":12}");
    assertEquals(
        new GenerationConfig(Set.of(1), 12), GenerationConfig.read(folder, c.stopTokens()));
    Files.writeString(file, "{\"eos_token_id\":[1,106]}");
    assertEquals(
        new GenerationConfig(Set.of(1, 106), 0), GenerationConfig.read(folder, c.stopTokens()));
    Files.writeString(file, "{\"eos_token_id\":\"x\"}");
    assertThrows(InputException.class, () -> GenerationConfig.read(folder, c.stopTokens()));
  }

  /** transformers 5 saves it inside processor_config.json, and looks there first. */
  @Test
  void thePreprocessorConfigurationInsideTheProcessors() throws IOException {
    Path outer = folder.resolve("processor_config.json");
    Files.writeString(
        folder.resolve("preprocessor_config.json"),
        "{\"image_mean\":[0.5,0.5,0.5],\"resample\":0}");
    Files.writeString(outer, "{\"image_seq_length\":256}");
    assertEquals(0, PreprocessorConfig.read(folder, 896).resample());
    Files.writeString(
        outer,
        "{\"image_processor\":{\"image_mean\":[0.1,0.2,0.3],\"resample\":3,"
            + "\"size\":{\"height\":896,\"width\":896}},\"image_seq_length\":256}");
    PreprocessorConfig c = PreprocessorConfig.read(folder, 896);
    assertEquals(3, c.resample());
    assertArrayEquals(new double[] {0.1, 0.2, 0.3}, c.mean());
    Files.writeString(outer, "{\"image_processor\":{\"rescale_factor\":0}}");
    InputException e =
        assertThrows(InputException.class, () -> PreprocessorConfig.read(folder, 896));
    assertEquals(
        outer + ": image_processor.rescale_factor = 0, must be a number > 0", e.getMessage());
  }

  @Test
  void thePreprocessorConfiguration() throws IOException {
    PreprocessorConfig d = PreprocessorConfig.read(folder, 896);
    assertEquals(896, d.height());
    assertEquals(2, d.resample());
    assertTrue(d.uniform());
    assertEquals(1 / 127.5, d.unitStep(), 1e-15);
    Path file = folder.resolve("preprocessor_config.json");
    Files.writeString(
        file,
        "{\"size\":{\"height\":896,\"width\":896},\"image_mean\":[0.1,0.2,0.3],"
            + "\"image_std\":[0.5,0.5,0.25],\"rescale_factor\":0.01}");
    PreprocessorConfig c = PreprocessorConfig.read(folder, 896);
    assertFalse(c.uniform());
    assertArrayEquals(new double[] {0.1, 0.2, 0.3}, c.mean());
    // transformers keeps a null, and takes it for no.
    Files.writeString(file, "{\"do_normalize\":null,\"do_rescale\":null}");
    PreprocessorConfig off = PreprocessorConfig.read(folder, 896);
    assertEquals(1, off.rescale());
    assertArrayEquals(new double[3], off.mean());
    assertArrayEquals(new double[] {1, 1, 1}, off.std());
    for (String bad :
        List.of(
            "{\"size\":{\"height\":448,\"width\":448}}",
            "{\"image_std\":[0,1,1]}",
            "{\"image_mean\":[0.5]}",
            "{\"resample\":5}",
            "{\"size\":{\"shortest_edge\":896}}",
            "{\"size\":{\"longest_edge\":896}}",
            "{\"size\":{\"height\":896}}",
            "{\"do_resize\":false}",
            "{\"do_resize\":null}",
            "{\"do_pan_and_scan\":true}")) {
      Files.writeString(file, bad);
      assertThrows(InputException.class, () -> PreprocessorConfig.read(folder, 896), bad);
    }
  }
}
