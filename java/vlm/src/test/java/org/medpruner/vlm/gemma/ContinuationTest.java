package org.medpruner.vlm.gemma;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

/** Text appended to a cache gives what a prefill of the whole gives, whatever the ring dropped. */
class ContinuationTest {
  @ParameterizedTest
  @CsvSource({
    // folder, tokens generated before, tokens of text; the windows are 6 and 64
    "window-below-image, 0, 1",
    "window-below-image, 0, 4",
    "window-below-image, 3, 6",
    "window-below-image, 1, 7",
    "window-below-image, 5, 40",
    "window-below-image, 0, 300",
    "bf16-sharded, 0, 5",
    "bf16-sharded, 4, 30",
    "bf16-sharded, 2, 300",
  })
  void appendedTextEqualsAPrefillOfTheWhole(String name, int generated, int added) {
    try (GemmaFamily family =
            GemmaFamily.load(TinyCheckpointTest.folder(name), LoadOptions.DEFAULT, Progress.NONE);
        TensorFile golden =
            new TensorFile(TinyCheckpointTest.folder(name).resolve("expected.safetensors"));
        PointerScope scope = new PointerScope()) {
      Tensor features = TinyCheckpointTest.features(family, golden.floats("pixel_values"));
      int slices = Math.toIntExact(features.size(0));
      PackedTokens tokens = new PackedTokens(features.flatten(0, 1), List.of());
      int[] ids = golden.ints("input_ids");
      int[] whole = Arrays.copyOf(ids, ids.length + generated + added + 2);
      for (int i = ids.length; i < whole.length; i++) {
        whole[i] = 10 + (i * 7) % 100;
      }
      int step = ids.length + generated + added;
      try (Session grown = new Session(family.decoder(), prompt(family.config(), ids, slices));
          Session fresh =
              new Session(
                  family.decoder(), prompt(family.config(), Arrays.copyOf(whole, step), slices))) {
        grown.prefill(tokens);
        for (int i = 0; i < generated; i++) {
          grown.step(whole[ids.length + i]);
        }
        Tensor hidden = grown.extend(Arrays.copyOfRange(whole, ids.length + generated, step));
        Tensor expected = fresh.prefill(tokens);
        assertEquals(fresh.nextPosition(), grown.nextPosition());
        assertSame("appended", fresh.logits(expected, 1), grown.logits(hidden, 1));
        // What the ring holds afterwards is right too.
        for (int i = step; i < whole.length; i++) {
          assertSame(
              "step " + i,
              fresh.logits(fresh.step(whole[i]), 1),
              grown.logits(grown.step(whole[i]), 1));
        }
      }
    }
  }

  private static void assertSame(String what, Tensor expected, Tensor actual) {
    float[] e = Values.of(expected);
    double[] values = new double[e.length];
    Arrays.setAll(values, i -> e[i]);
    Values.assertClose(what, values, Values.of(actual), 1e-5);
  }

  private static PrunedPrompt prompt(GemmaConfig config, int[] ids, int slices) {
    Prompt prompt = ModelGolden.prompt(ids, config.imageToken(), config.tokensPerImage());
    return PrunedPrompt.of(
        prompt,
        Selection.all(slices, config.tokensPerImage()),
        true,
        PromptPositions.counting(1, prompt.length()),
        true);
  }
}
