package org.medpruner.vlm.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.torch.TorchTensors;

class PatchGridTest {

  /** Against the definition, one value at a time; every pixel has a value of its own. */
  @ParameterizedTest
  @CsvSource({"4, 6, 3, 2, 2, 3", "3, 5, 4, 1, 1, 3", "6, 3, 2, 3, 1, 1", "2, 2, 16, 2, 2, 3"})
  void patchVectors(int high, int wide, int side, int merge, int temporal, int channels) {
    PatchGrid grid = PatchGrid.of(high * side, wide * side, side, merge);
    int batch = 2;
    int rowLength = wide * side * channels;
    float[] pixels = new float[batch * high * side * rowLength];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i;
    }
    float[] expected = new float[pixels.length * temporal];
    int at = 0;
    for (int b = 0; b < batch; b++) {
      for (int by = 0; by < high / merge; by++) {
        for (int bx = 0; bx < wide / merge; bx++) {
          for (int within = 0; within < merge * merge; within++) {
            int top = (by * merge + within / merge) * side;
            int left = (bx * merge + within % merge) * side;
            for (int c = 0; c < channels; c++) {
              for (int t = 0; t < temporal; t++) {
                for (int y = top; y < top + side; y++) {
                  for (int x = left; x < left + side; x++) {
                    expected[at++] = pixels[(b * high * side + y) * rowLength + x * channels + c];
                  }
                }
              }
            }
          }
        }
      }
    }
    try (PointerScope scope = new PointerScope()) {
      Tensor pictures =
          torch.tensor(pixels).view(batch, (long) high * side, (long) wide * side, channels);
      Tensor vectors = grid.patchVectors(pictures, temporal);
      assertArrayEquals(
          new long[] {batch, grid.patches(), (long) channels * temporal * side * side},
          vectors.sizes().vec().get());
      assertArrayEquals(expected, TorchTensors.floats(vectors));
    }
  }

  @Test
  void patchesOfATokenAreNeighbours() {
    PatchGrid grid = new PatchGrid(4, 4, 14, 2);
    assertArrayEquals(new long[] {0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3}, grid.rows());
    assertArrayEquals(new long[] {0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3}, grid.columns());
    assertEquals(4, grid.blocks());
  }

  @Test
  void withoutMergingPatchesAreInRasterOrder() {
    PatchGrid grid = new PatchGrid(2, 3, 14, 1);
    assertArrayEquals(new long[] {0, 0, 0, 1, 1, 1}, grid.rows());
    assertArrayEquals(new long[] {0, 1, 2, 0, 1, 2}, grid.columns());
  }

  @Test
  void unfittingSizesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> PatchGrid.of(33, 32, 16, 2));
    assertThrows(IllegalArgumentException.class, () -> PatchGrid.of(48, 32, 16, 2));
    assertThrows(IllegalArgumentException.class, () -> new PatchGrid(0, 2, 16, 2));
  }
}
