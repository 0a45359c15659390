package org.medpruner.bench;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Seeded inputs shared by the benchmarks. */
public final class Inputs {
  private Inputs() {}

  /** Pictures that drift slowly, as neighbouring slices do: u8, {@code depth * valuesPerSlice}. */
  public static byte[] slices(int depth, int valuesPerSlice) {
    return slices(depth, valuesPerSlice, 8);
  }

  /**
   * Pictures whose neighbours differ by less than {@code drift} per value. 8: every third is kept
   * at gamma 0.05; 64: all are.
   */
  public static byte[] slices(int depth, int valuesPerSlice, int drift) {
    SplittableRandom random = new SplittableRandom(11);
    byte[] data = new byte[depth * valuesPerSlice];
    random.nextBytes(data);
    for (int d = 1; d < depth; d++) {
      int previous = (d - 1) * valuesPerSlice;
      for (int j = 0; j < valuesPerSlice; j++) {
        int step = data[d * valuesPerSlice + j] % drift;
        int value = (data[previous + j] & 0xff) + step;
        data[d * valuesPerSlice + j] = (byte) Math.clamp(value, 0, 255);
      }
    }
    return data;
  }

  /** Attention masses: log-normal, mean 1 in each segment. */
  public static float[] masses(int segments, int tokens) {
    SplittableRandom random = new SplittableRandom(12);
    float[] scores = new float[segments * tokens];
    for (int s = 0; s < segments; s++) {
      double sum = 0;
      for (int i = 0; i < tokens; i++) {
        double v = Math.exp(random.nextGaussian());
        scores[s * tokens + i] = (float) v;
        sum += v;
      }
      for (int i = 0; i < tokens; i++) {
        scores[s * tokens + i] = (float) (scores[s * tokens + i] * tokens / sum);
      }
    }
    return scores;
  }

  /** Standard normal values. */
  public static float[] normal(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Offsets of equal segments. */
  public static long[] offsets(int segments, int length) {
    long[] offsets = new long[segments + 1];
    Arrays.setAll(offsets, i -> (long) i * length);
    return offsets;
  }
}
