package org.medpruner.vlm.gemma;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.vlm.engine.PackedTokens;
import org.medpruner.vlm.engine.PromptPositions;
import org.medpruner.vlm.engine.PrunedPrompt;
import org.medpruner.vlm.engine.Selection;
import org.medpruner.vlm.engine.Session;
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

  /** The prompt of given ids, where every run of image tokens is one slice. */
  static Prompt prompt(int[] ids, int imageToken, int perSlice) {
    int[] slice = new int[ids.length];
    boolean[] image = new boolean[ids.length];
    int seen = 0;
    for (int t = 0; t < ids.length; t++) {
      image[t] = ids[t] == imageToken;
      slice[t] = image[t] ? seen++ / perSlice : -1;
    }
    return new Prompt(ids, slice, image);
  }

  @ParameterizedTest
  @CsvSource({
    "window-below-image, 1000000000",
    "bf16-sharded, 1000000000",
    "bf16-sharded, 0",
  })
  void matchesTransformers(String name, long maxCachedBytes) {
    GemmaConfig config = GemmaConfig.read(folder(name));
    try (GemmaNetwork network =
            GemmaNetwork.load(
                folder(name), config, false, maxCachedBytes, org.medpruner.vlm.Progress.NONE);
        TensorFile expected = new TensorFile(folder(name).resolve("expected.safetensors"));
        PointerScope scope = new PointerScope()) {
      org.medpruner.vlm.nn.EncoderStack.Output seen =
          network.vision(expected.floats("pixel_values"));
      Tensor features = network.project(seen.hidden());
      Values.assertClose(
          name + " features", expected.doubles("image_features"), Values.of(features), 1e-5);
      int[] ids = expected.ints("input_ids");
      int slices = Math.toIntExact(features.size(0));
      Prompt prompt = prompt(ids, config.imageToken(), config.tokensPerImage());
      PrunedPrompt pruned =
          PrunedPrompt.of(
              prompt,
              Selection.all(slices, config.tokensPerImage()),
              true,
              PromptPositions.counting(1, prompt.length()),
              true);
      try (Session session = new Session(network.text(), pruned)) {
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
