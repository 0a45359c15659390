package org.medpruner.vlm.hulu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.InputException;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.DecoderConfig;
import org.medpruner.vlm.nn.EncoderConfig;
import org.medpruner.vlm.nn.OutputHead;

class HuluConfigTest {
  @TempDir Path folder;

  private HuluConfig read(String json) throws IOException {
    Files.writeString(folder.resolve("config.json"), json);
    return HuluConfig.read(folder);
  }

  private static String qwen2(String more) {
    return "{\"architectures\": [\"HulumedQwen2ForCausalLM\"], \"vision_encoder_config\": {}"
        + (more.isEmpty() ? "" : ", " + more)
        + "}";
  }

  /** The released 7B's numbers, read from where they stand. */
  @Test
  void everyNumberComesFromTheFile() throws IOException {
    HuluConfig c =
        read(
            """
            {"architectures": ["HulumedQwen2ForCausalLM"], "hidden_size": 3584,
             "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
             "intermediate_size": 18944, "vocab_size": 152064, "rope_theta": 1000000.0,
             "rms_norm_eps": 1e-05, "hidden_act": "silu", "max_position_embeddings": 16384,
             "image_token_index": 151665, "mm_projector_type": "mlp3x_gelu",
             "tie_word_embeddings": true, "eos_token_id": 7, "use_sliding_window": false,
             "sliding_window": 100, "max_window_layers": 2,
             "vision_encoder_config": {"hidden_size": 1152, "num_hidden_layers": 27,
              "num_attention_heads": 16, "intermediate_size": 4304, "patch_size": 14,
              "layer_norm_eps": 1e-05, "hidden_act": "gelu"}}""");
    DecoderConfig t = c.text();
    assertEquals(HuluConfig.QWEN2, c.architecture());
    assertEquals(
        List.of(152_064, 3584, 18_944, 28, 28, 4, 128, 16_384),
        List.of(
            t.vocabSize(),
            t.hiddenSize(),
            t.intermediateSize(),
            t.layers(),
            t.heads(),
            t.kvHeads(),
            t.headDim(),
            t.contextLength()));
    assertEquals(1e-5, t.rmsNormEps());
    assertEquals(1 / Math.sqrt(128), t.attentionScale());
    assertEquals(new DecoderConfig.Rope(1e6, 1), t.globalRope());
    assertEquals(DecoderConfig.allGlobal(28), t.local());
    assertTrue(t.inputBias());
    assertFalse(t.outputBias() || t.queryKeyNorm() || t.outputNorms() || t.unitOffset());
    assertEquals(
        new EncoderConfig(1152, 4304, 27, 16, 1e-5, Activation.GELU), c.vision().encoder());
    assertEquals(14, c.vision().patchSize());
    assertEquals(3, c.projectorLayers());
    assertEquals(151_665, c.imageToken());
    assertEquals(OutputHead.TIED, c.head());
    assertEquals(List.of(7), c.stopTokens());
  }

  @Test
  void absentKeysTakeTheClassesDefaults() throws IOException {
    HuluConfig c = read(qwen2(""));
    assertEquals(
        new EncoderConfig(768, 3072, 12, 12, 1e-6, Activation.GELU_TANH), c.vision().encoder());
    assertEquals(16, c.vision().patchSize());
    assertEquals(0, c.projectorLayers());
    assertEquals(-1, c.imageToken());
    assertEquals(OutputHead.OWN, c.head());
    assertEquals(List.of(151_645, 151_643), c.stopTokens());
    assertEquals(128, c.text().headDim());
    assertEquals(32, c.text().kvHeads());
    assertEquals(Activation.SILU, c.text().activation());
    assertEquals(10_000, c.text().globalRope().theta());
  }

  @Test
  void qwen3HasNormsOfQueriesAndKeysAndItsOwnHeadWidth() throws IOException {
    HuluConfig c =
        read(
            """
            {"model_type": "hulumed_qwen3", "hidden_size": 2560, "num_attention_heads": 32,
             "num_key_value_heads": 8, "num_hidden_layers": 2,
             "rope_parameters": {"rope_theta": 5000000, "rope_type": "linear", "factor": 4},
             "vision_encoder_config": {}}""");
    assertEquals(HuluConfig.QWEN3, c.architecture());
    assertEquals(128, c.text().headDim());
    assertTrue(c.text().queryKeyNorm());
    assertFalse(c.text().inputBias() || c.text().outputBias());
    assertEquals(new DecoderConfig.Rope(5e6, 4), c.text().globalRope());
  }

  /** transformers 5 takes the base inside the rotary embedding's own object if there are two. */
  @Test
  void theInnerBaseCounts() throws IOException {
    String inner = "\"rope_theta\": 100, \"rope_parameters\": {\"rope_theta\": 1e6}";
    assertEquals(1e6, read(qwen2(inner)).text().globalRope().theta());
  }

  @Test
  void keyHeadsThatAreNullAreAsManyAsHeads() throws IOException {
    String heads = "\"num_attention_heads\": 64, \"num_key_value_heads\": null";
    for (String name : List.of(HuluConfig.QWEN2, HuluConfig.QWEN3)) {
      assertEquals(64, read(qwen2(heads).replace(HuluConfig.QWEN2, name)).text().kvHeads(), name);
    }
  }

  @Test
  void slidingWindowsFromTheLayerOnThatTheFileNames() throws IOException {
    String window =
        "\"num_hidden_layers\": 4, \"use_sliding_window\": true, \"sliding_window\": 64, ";
    DecoderConfig t = read(qwen2(window + "\"max_window_layers\": 3")).text();
    assertEquals(64, t.slidingWindow());
    assertEquals(List.of(false, false, false, true), t.local());
    t =
        read(qwen2(
                window
                    + "\"layer_types\": [\"sliding_attention\", \"full_attention\","
                    + " \"sliding_attention\", \"full_attention\"]"))
            .text();
    assertEquals(List.of(true, false, true, false), t.local());
  }

  /** As transformers' configuration classes take it, of Qwen2 and of Qwen3. */
  @Test
  void anAbsentWindowIsTheDefaultOneAndNullIsNone() throws IOException {
    String window = "\"num_hidden_layers\": 30, \"use_sliding_window\": true";
    for (String name : List.of(HuluConfig.QWEN2, HuluConfig.QWEN3)) {
      DecoderConfig t = read(qwen2(window).replace(HuluConfig.QWEN2, name)).text();
      assertEquals(4096, t.slidingWindow(), name);
      assertEquals(2, t.local().stream().filter(l -> l).count(), name);
      assertEquals(List.of(false, true, true), t.local().subList(27, 30), name);
      String none = qwen2(window + ", \"sliding_window\": null");
      t = read(none.replace(HuluConfig.QWEN2, name)).text();
      assertEquals(Integer.MAX_VALUE, t.slidingWindow(), name);
      assertEquals(DecoderConfig.allGlobal(30), t.local(), name);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"num_key_value_heads\": 5 | num_key_value_heads = 5 does not divide",
        "\"hidden_size\": 100, \"num_attention_heads\": 3, \"num_key_value_heads\": 3"
            + " | num_attention_heads = 3 does not divide hidden_size = 100",
        "\"head_dim\": 7 | head_dim = 7, must be even",
        "\"num_hidden_layers\": 1, \"use_sliding_window\": true, \"sliding_window\": 8,"
            + " \"layer_types\": [\"chunked_attention\"]"
            + " | layer_types = \"chunked_attention\", must be",
        "\"mm_projector_type\": \"resampler\" | mm_projector_type = \"resampler\"",
        "\"mm_projector_type\": \"mlp0x_gelu\" | mm_projector_type = \"mlp0x_gelu\"",
        "\"hidden_act\": \"relu\" | hidden_act = \"relu\", must be one of",
        "\"rope_scaling\": {\"type\": \"yarn\"} | rope type \"yarn\" is not supported",
        "\"image_token_index\": -2 | image_token_index = -2",
        "\"vision_encoder_config\": {\"num_channels\": 1} | num_channels = 1",
        "\"vision_encoder_config\": {\"num_attention_heads\": 5} | 5 num_attention_heads",
        "\"vision_encoder_config\": null | vision_encoder_config is missing",
      })
  void badValuesAreNamed(String more, String message) {
    InputException e = assertThrows(InputException.class, () -> read(qwen2(more)));
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
    assertTrue(String.valueOf(e.getMessage()).contains("config.json"));
  }
}
