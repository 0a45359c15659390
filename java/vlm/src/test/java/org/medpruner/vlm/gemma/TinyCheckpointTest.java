package org.medpruner.vlm.gemma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.vlm.ComputeType;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.engine.PackedTokens;
import org.medpruner.vlm.engine.PromptPositions;
import org.medpruner.vlm.engine.PrunedPrompt;
import org.medpruner.vlm.engine.Selection;
import org.medpruner.vlm.engine.Session;
import org.medpruner.vlm.golden.ModelGolden;
import org.medpruner.vlm.golden.TensorFile;
import org.medpruner.vlm.golden.Values;
import org.medpruner.vlm.prompt.Prompt;

/**
 * Unpruned parity with plain transformers on two tiny checkpoints that differ in every number a
 * loader could hard-code; see {@code src/test/python/make_tiny_gemma3.py}.
 */
class TinyCheckpointTest {

  static Path folder(String name) {
    return Path.of("src/test/resources/tiny-gemma3", name);
  }

  @ParameterizedTest
  @CsvSource({
    "window-below-image, 1000000000",
    "bf16-sharded, 1000000000",
    "bf16-sharded, 0",
  })
  void matchesTransformers(String name, long maxCachedBytes) {
    try (GemmaFamily family = load(name, ComputeType.F32, maxCachedBytes);
        TensorFile expected = new TensorFile(folder(name).resolve("expected.safetensors"));
        PointerScope scope = new PointerScope()) {
      Tensor features = features(family, expected.floats("pixel_values"));
      Values.assertClose(
          name + " features", expected.doubles("image_features"), Values.of(features), 1e-5);
      int[] ids = expected.ints("input_ids");
      try (Session session = session(family, ids, features)) {
        Tensor hidden = session.prefill(new PackedTokens(features.flatten(0, 1), List.of()));
        Values.assertClose(
            name + " prefill",
            expected.doubles("prefill_logits"),
            Values.of(session.logits(hidden, ids.length)),
            1e-4);
        assertGreedy(name, expected, session, hidden);
      }
    }
  }

  private static GemmaFamily load(String name, ComputeType type, long maxCachedBytes) {
    LoadOptions options = new LoadOptions(false, 1, type);
    return GemmaFamily.load(folder(name), options, maxCachedBytes, Progress.NONE);
  }

  /** Visual tokens of normalised pixels [B, 3, side, side]. */
  static Tensor features(GemmaFamily family, Tensor pixels) {
    return family.encode(pixels, family.pixels(pixels).grid()).features();
  }

  private static Session session(GemmaFamily family, int[] ids, Tensor features) {
    GemmaConfig config = family.config();
    Prompt prompt = ModelGolden.prompt(ids, config.imageToken(), config.tokensPerImage());
    int slices = Math.toIntExact(features.size(0));
    return new Session(
        family.decoder(),
        PrunedPrompt.of(
            prompt,
            Selection.all(slices, config.tokensPerImage()),
            true,
            PromptPositions.counting(1, prompt.length()),
            true));
  }

  /**
   * BF16 rounds what passes between layers to 8 bits, 0.2 % on average: the result may differ from
   * F32's by a few of these roundings. Measured: 0.5 % of the features, 1.6 % of the logits.
   */
  @ParameterizedTest
  @CsvSource({
    "window-below-image, 1000000000",
    "window-below-image, 0",
    "bf16-sharded, 1000000000",
    "bf16-sharded, 0",
  })
  void bf16StaysWithinItsRoundings(String name, long maxCachedBytes) {
    try (GemmaFamily family = load(name, ComputeType.BF16, maxCachedBytes);
        TensorFile expected = new TensorFile(folder(name).resolve("expected.safetensors"));
        PointerScope scope = new PointerScope()) {
      Tensor features = features(family, expected.floats("pixel_values").to(ScalarType.BFloat16));
      assertEquals(ScalarType.BFloat16, features.scalar_type().intern());
      int[] ids = expected.ints("input_ids");
      try (Session session = session(family, ids, features)) {
        Tensor hidden = session.prefill(new PackedTokens(features.flatten(0, 1), List.of()));
        assertEquals(ScalarType.BFloat16, hidden.scalar_type().intern());
        assertNear("features", expected.doubles("image_features"), features, 0.02);
        assertNear(
            "logits", expected.doubles("prefill_logits"), session.logits(hidden, ids.length), 0.03);
        // One step more, so that the cache has been read in BF16 too.
        int next = expected.ints("generated")[0];
        double[] logits = expected.doubles("generated_logits");
        int vocabulary = logits.length / expected.ints("generated").length;
        assertNear(
            "step",
            java.util.Arrays.copyOfRange(logits, vocabulary, 2 * vocabulary),
            session.logits(session.step(next), 1),
            0.03);
      }
    }
  }

  /** Root mean square of the difference over that of the expected values. */
  private static void assertNear(String what, double[] expected, Tensor actual, double tolerance) {
    float[] values = Values.of(actual.to(ScalarType.Float));
    double difference = 0;
    double size = 0;
    for (int i = 0; i < values.length; i++) {
      difference += (expected[i] - values[i]) * (expected[i] - values[i]);
      size += expected[i] * expected[i];
    }
    double relative = Math.sqrt(difference / size);
    System.out.printf("%s: bf16 differs by %.2g of the values' size%n", what, relative);
    assertTrue(relative > 0, what + " is not rounded at all");
    assertTrue(relative <= tolerance, () -> what + " differs by " + relative);
  }

  private static void assertGreedy(
      String name, TensorFile expected, Session session, Tensor hidden) {
    int[] generated = expected.ints("generated");
    double[] logits = expected.doubles("generated_logits");
    int vocabulary = logits.length / generated.length;
    List<Integer> ids = new ArrayList<>();
    Tensor state = hidden;
    for (int i = 0; i < generated.length; i++) {
      Tensor row = session.logits(state, 1);
      Values.assertClose(
          name + " step " + i,
          java.util.Arrays.copyOfRange(logits, i * vocabulary, (i + 1) * vocabulary),
          Values.of(row),
          1e-4);
      int id = Math.toIntExact(row.argmax().item_long());
      ids.add(id);
      state = session.step(id);
    }
    assertEquals(java.util.Arrays.stream(generated).boxed().toList(), ids);
  }
}
