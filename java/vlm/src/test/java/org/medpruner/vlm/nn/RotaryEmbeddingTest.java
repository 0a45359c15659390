package org.medpruner.vlm.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.medpruner.vlm.golden.Values;

class RotaryEmbeddingTest {
  private static final int WIDTH = 8;

  /** Which of three axes turns each of four frequencies, by the slices that transformers takes. */
  @Test
  void sectionsTakeTurnsWhetherTheyFillTheHeadOrNot() {
    assertAxes(List.of(2, 1, 1), 0, 1, 2, 0);
    assertAxes(List.of(16, 8, 8), 0, 1, 2, 0);
    assertAxes(List.of(1, 1, 0), 0, 1, 0, 0);
    assertAxes(List.of(0, 0, 2), 0, 0, 2, 0);
  }

  private static void assertAxes(List<Integer> sections, int... axes) {
    double[] positions = {11, 5, 3};
    try (PointerScope scope = new PointerScope()) {
      RotaryEmbedding.Table table =
          new RotaryEmbedding(new DecoderConfig.Rope(10_000, 1, sections), WIDTH)
              .table(new long[][] {{11}, {5}, {3}}, Ops.empty(ScalarType.Float, false, 1));
      float[] sines = Values.of(table.sin());
      for (int i = 0; i < WIDTH; i++) {
        int frequency = i % axes.length;
        double angle = positions[axes[frequency]] * Math.pow(10_000, -2.0 * frequency / WIDTH);
        assertEquals(Math.sin(angle), sines[i], 1e-6, sections + ", value " + i);
      }
    }
  }
}
