package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.engine.PackedTokens;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.fixtures.TinyQwen;

/**
 * A program that uses LibTorch itself may have scopes of its own open at any call. They must change
 * no answer, free nothing that goes on living, and keep nothing that was closed.
 */
class ScopesTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"GEMMA, F32", "GEMMA, BF16", "QWEN, F32", "QWEN, BF16", "HULU, F32", "HULU, BF16"})
  void scopesOfTheCallerChangeNothing(Family family, ComputeType type) throws IOException {
    family.tiny(folder);
    List<List<Integer>> without = answers(type, 0, 0);
    for (int[] scopes : new int[][] {{0, 1}, {0, 2}, {1, 0}, {2, 0}, {1, 1}, {2, 2}}) {
      assertEquals(without, answers(type, scopes[0], scopes[1]), Arrays.toString(scopes));
    }
  }

  /** Loads, encodes, asks, converses and closes, each in scopes of its own. */
  private List<List<Integer>> answers(ComputeType type, int load, int use) {
    GenerationOptions options = new GenerationOptions(4, PromptLayout.GOOGLE);
    LoadOptions how = new LoadOptions(false, 1L << 30, type);
    List<List<Integer>> ids = new ArrayList<>();
    VisionLanguageModel model =
        Scopes.in(load, () -> VisionLanguageModel.load(folder, how, Progress.NONE));
    for (PruningPolicy policy : List.of(PruningPolicy.PAPER, PruningPolicy.REFERENCE)) {
      EncodedVolume volume =
          Scopes.in(use, () -> model.encode(TinyQwen.pictures(4, 112, 112), policy, Progress.NONE));
      PackedTokens tokens = ((PrunedVolume) volume).tokens();
      List<Tensor> held = new ArrayList<>(tokens.planes());
      held.add(tokens.features());
      for (Tensor t : held) {
        assertFalse(t.isNull(), "freed with the scope it was made in");
        assertEquals(1, t.referenceCount());
      }
      ids.add(Scopes.in(use, () -> model.ask(volume, "Where?", options, Progress.NONE)).tokenIds());
      Conversation conversation = Scopes.in(use, () -> model.converse(volume, PromptLayout.GOOGLE));
      for (String question : List.of("Where?", "How many?")) {
        ids.add(
            Scopes.in(use, () -> conversation.ask(question, options, Progress.NONE)).tokenIds());
      }
      Scopes.in(use, () -> close(conversation));
      Scopes.in(use, () -> close(volume));
      held.forEach(t -> assertTrue(t.isNull(), "still held"));
    }
    Scopes.in(use, () -> close(model));
    return ids;
  }

  private static boolean close(AutoCloseable what) {
    try {
      what.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    return true;
  }
}
