package org.medpruner.vlm.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.medpruner.torch.TorchTensors;

class VisionRotaryTest {
  private static final int DIM = 16;
  private static final PatchGrid GRID = new PatchGrid(6, 8, 14, 2);

  @Test
  void anglesAreThoseOfRowsAndColumns() {
    long[] rows = GRID.rows();
    long[] columns = GRID.columns();
    float[] expected = new float[GRID.patches() * DIM / 2];
    for (int p = 0; p < GRID.patches(); p++) {
      for (int i = 0; i < DIM / 4; i++) {
        double frequency = Math.pow(10_000, -4.0 * i / DIM);
        expected[p * DIM / 2 + i] = (float) (rows[p] * frequency);
        expected[p * DIM / 2 + DIM / 4 + i] = (float) (columns[p] * frequency);
      }
    }
    try (PointerScope scope = new PointerScope()) {
      Tensor angles = new VisionRotary(DIM, 10_000).angles(GRID);
      assertArrayEquals(expected, TorchTensors.floats(angles), 1e-6f);
    }
  }

  /** Rotation keeps lengths, and q k^T depends on the difference of the places alone. */
  @Test
  void productsDependOnOffsetsOnly() {
    try (PointerScope scope = new PointerScope()) {
      torch.manual_seed(1);
      long patches = GRID.patches();
      Tensor q = torch.randn(new long[] {1, 1, 3, DIM}).expand(2, patches, 3, DIM).contiguous();
      Tensor k = torch.randn(new long[] {1, 1, 3, DIM}).expand(2, patches, 3, DIM).contiguous();
      RotaryEmbedding.Table table = new VisionRotary(DIM, 10_000).table(GRID, q);
      float[] turnedQ = TorchTensors.floats(VisionRotary.apply(q, table));
      float[] turnedK = TorchTensors.floats(VisionRotary.apply(k, table));
      long[] rows = GRID.rows();
      long[] columns = GRID.columns();
      double[][] byOffset = new double[11][15];
      for (int a = 0; a < patches; a++) {
        assertEquals(product(turnedQ, 0, turnedQ, 0), product(turnedQ, a, turnedQ, a), 1e-4);
        for (int b = 0; b < patches; b++) {
          double product = product(turnedQ, a, turnedK, b);
          int dy = (int) (rows[a] - rows[b]) + 5;
          int dx = (int) (columns[a] - columns[b]) + 7;
          if (byOffset[dy][dx] == 0) {
            byOffset[dy][dx] = product;
          }
          assertEquals(byOffset[dy][dx], product, 1e-4);
        }
      }
      assertEquals(
          ScalarType.BFloat16,
          VisionRotary.apply(q.to(ScalarType.BFloat16), table).scalar_type().intern());
    }
  }

  /** q_a k_b of the first head of the first picture. */
  private static double product(float[] q, int a, float[] k, int b) {
    double sum = 0;
    for (int i = 0; i < DIM; i++) {
      sum += q[a * 3 * DIM + i] * k[b * 3 * DIM + i];
    }
    return sum;
  }

  @Test
  void widthMustSplitInFour() {
    assertThrows(IllegalArgumentException.class, () -> new VisionRotary(18, 10_000));
  }
}
