package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.Scopes;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.volume.SliceImages;

/** Which tensors a volume leaves behind, and when: none that nobody closes. */
class TensorsOfAVolumeTest {
  private static final int SIDE = 8;

  @ParameterizedTest
  @CsvSource({"0, 0", "0, 1", "1, 0", "1, 1", "2, 0", "2, 2"})
  void picturesAreFreedWhenTheyAreClosed(int scopes, int atClose) {
    PreprocessorConfig values =
        new PreprocessorConfig(SIDE, SIDE, 0, 1, new double[] {0, 0, 0}, new double[] {1, 1, 1});
    Preparation how =
        new Preparation(values, new SliceGrid(3, 2, 2, 2, 2), UnaryOperator.identity());
    List<SliceImages> volumes = List.of(TinyQwen.pictures(2, SIDE, SIDE));
    BytePixels pixels =
        Scopes.in(scopes, () -> BytePixels.of(volumes, how, Ops.F32, false, Progress.NONE));
    Tensor memory = pixels.pixels();
    assertFalse(memory.isNull(), "freed with the scope it was made in");
    assertEquals(1, memory.referenceCount());
    try (PointerScope scope = new PointerScope()) {
      assertEquals(2L * SIDE * SIDE * 3, pixels.pictures(new int[] {0, 1}).numel());
    }
    Scopes.in(
        atClose,
        () -> {
          pixels.close();
          return true;
        });
    assertTrue(memory.isNull(), "the pictures are still held");
  }
}
