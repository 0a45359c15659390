package org.medpruner.vlm.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.InputException;
import org.medpruner.vlm.ComputeType;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.Scopes;
import org.medpruner.vlm.checkpoint.SafetensorsWriter;
import org.medpruner.vlm.checkpoint.StorageType;
import org.medpruner.vlm.fixtures.TinyGemma;
import org.medpruner.vlm.golden.Values;

/** Weights live from loading to closing, whatever scopes are open at either. */
class WeightsTest {
  private static final String EMBEDDING = "language_model.model.embed_tokens.weight";

  @TempDir Path folder;

  private Weights load(ComputeType type, long maxCachedBytes) {
    LoadOptions options = new LoadOptions(false, 1, type);
    return Weights.load(folder, options, maxCachedBytes, Progress.NONE, weights -> weights);
  }

  @ParameterizedTest
  @CsvSource({
    // type, largest converted copy, whether weights are converted when they are loaded, scopes
    "F32, 1000000, false, 0",
    "F32, 1000000, false, 1",
    "F32, 1000000, false, 2",
    "BF16, 1000000, true, 0",
    "BF16, 1000000, true, 1",
    "BF16, 1000000, true, 2",
    "BF16, 0, false, 0",
    "BF16, 0, false, 1",
    "BF16, 0, false, 2",
  })
  void closingFreesWhatLoadingMade(
      ComputeType type, long maxCachedBytes, boolean converted, int scopes) throws IOException {
    TinyGemma.write(folder);
    for (int atClose = 0; atClose <= 2; atClose++) {
      Tensor[] held = new Tensor[2];
      Weights weights =
          Scopes.in(
              scopes,
              () -> {
                Weights loaded = load(type, maxCachedBytes);
                held[0] = loaded.param(EMBEDDING, 280, 32).stored();
                held[1] = loaded.normFactor("language_model.model.norm.weight", 32, 1).stored();
                return loaded;
              });
      ScalarType stored = converted ? ScalarType.BFloat16 : ScalarType.Float;
      assertEquals(stored, held[0].scalar_type().intern());
      for (Tensor t : List.of(held[0], held[1])) {
        assertFalse(t.isNull(), "freed with the scope it was loaded in");
        assertEquals(1, t.referenceCount());
        assertEquals(t.numel(), Values.of(t.to(ScalarType.Float)).length);
      }
      Scopes.in(
          atClose,
          () -> {
            weights.close();
            return true;
          });
      assertTrue(held[0].isNull(), "the weight is still held");
      assertTrue(held[1].isNull(), "the norm's factor is still held");
    }
  }

  /** As transformers 5 has it: a head that is stored is not tied if it differs. */
  @Test
  void aStoredHeadIsTheEmbeddingOnlyIfItIsTheSame() throws IOException {
    for (String name : List.of("same", "other", "none")) {
      List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
      tensors.add(new SafetensorsWriter.Tensor("e.weight", StorageType.F32, 3, 2));
      if (!name.equals("none")) {
        tensors.add(new SafetensorsWriter.Tensor("lm_head.weight", StorageType.F32, 3, 2));
      }
      SafetensorsWriter.write(
          folder.resolve("model.safetensors"),
          tensors,
          (tensor, first, buffer) -> {
            boolean differs = name.equals("other") && tensor.name().equals("lm_head.weight");
            for (long i = first; buffer.hasRemaining(); i++) {
              buffer.putFloat(i == 5 && differs ? 7 : (float) i);
            }
          });
      try (Weights weights = load(ComputeType.F32, 0)) {
        switch (name) {
          case "same" -> {
            assertNull(weights.head(OutputHead.TIED, "e.weight"));
            assertEquals("lm_head.weight", weights.head(OutputHead.OWN, "e.weight"));
          }
          case "other" -> {
            assertEquals("lm_head.weight", weights.head(OutputHead.TIED, "e.weight"));
            assertEquals("lm_head.weight", weights.head(OutputHead.OWN, "e.weight"));
          }
          default -> {
            assertNull(weights.head(OutputHead.TIED, "e.weight"));
            assertThrows(InputException.class, () -> weights.head(OutputHead.OWN, "e.weight"));
          }
        }
      }
    }
  }

  @Test
  void aModelThatDoesNotLoadLeavesNoWeight() throws IOException {
    TinyGemma.write(folder);
    Tensor[] held = new Tensor[1];
    LoadOptions options = new LoadOptions(false, 1, ComputeType.BF16);
    assertThrows(
        IllegalStateException.class,
        () ->
            Weights.load(
                folder,
                options,
                1_000_000,
                Progress.NONE,
                weights -> {
                  held[0] = weights.param(EMBEDDING, 280, 32).stored();
                  throw new IllegalStateException("no network");
                }));
    assertTrue(held[0].isNull());
  }
}
