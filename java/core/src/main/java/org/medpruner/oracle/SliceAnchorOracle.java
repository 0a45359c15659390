package org.medpruner.oracle;

import java.util.Arrays;
import org.medpruner.SegmentFlags;
import org.medpruner.SliceAnchor;

/**
 * Inter-slice anchor-based filtering in plain Java: what {@code slice_anchor.h} says, in its
 * canonical order of additions. Halves and bfloat16 are converted to float first, which is exact.
 */
public final class SliceAnchorOracle {
  private static final int CHUNK = 4096;
  private static final int LANES = 32;

  private SliceAnchorOracle() {}

  /**
   * The op's outputs, as {@link SliceAnchor.Outputs} names them.
   *
   * @param keep byte[D]
   * @param distance float[D]
   * @param representative int[D]
   * @param keptIndices int[D]
   * @param keptCounts int[G]
   * @param flags int[D]
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      byte[] keep,
      float[] distance,
      int[] representative,
      int[] keptIndices,
      int[] keptCounts,
      int[] flags) {}

  /** How far slice {@code i} is from slice {@code anchor}: the sum of absolute differences. */
  private interface Difference {
    double sum(int i, int anchor);
  }

  /** Whether a slice holds a NaN or an infinity. */
  private interface NonFinite {
    boolean test(int i);
  }

  /** Unsigned bytes [D, S]; offsets over the slices. */
  public static Result run(SliceAnchor.Params params, byte[] values, int size, long[] offsets) {
    return run(
        params,
        size,
        offsets,
        (i, a) -> {
          long sum = 0;
          for (int j = 0; j < size; j++) {
            sum += Math.abs((values[i * size + j] & 0xff) - (values[a * size + j] & 0xff));
          }
          return sum;
        },
        i -> false);
  }

  /** Signed 16-bit integers [D, S]; offsets over the slices. */
  public static Result run(SliceAnchor.Params params, short[] values, int size, long[] offsets) {
    return run(
        params,
        size,
        offsets,
        (i, a) -> {
          long sum = 0;
          for (int j = 0; j < size; j++) {
            sum += Math.abs(values[i * size + j] - values[a * size + j]);
          }
          return sum;
        },
        i -> false);
  }

  /** Floats [D, S]; offsets over the slices. */
  public static Result run(SliceAnchor.Params params, float[] values, int size, long[] offsets) {
    return run(
        params,
        size,
        offsets,
        (i, a) -> canonicalSum(values, i * size, a * size, size),
        i -> {
          for (int j = 0; j < size; j++) {
            if (!Float.isFinite(values[i * size + j])) {
              return true;
            }
          }
          return false;
        });
  }

  private static double canonicalSum(float[] v, int a, int b, int size) {
    double total = 0;
    for (int start = 0; start < size; start += CHUNK) {
      float[] lanes = new float[LANES];
      int end = Math.min(start + CHUNK, size);
      for (int j = start; j < end; j++) {
        lanes[(j - start) % LANES] += Math.abs(v[a + j] - v[b + j]);
      }
      for (int step = LANES / 2; step > 0; step /= 2) {
        for (int lane = 0; lane < step; lane++) {
          lanes[lane] += lanes[lane + step];
        }
      }
      total += lanes[0];
    }
    return total;
  }

  private static Result run(
      SliceAnchor.Params params,
      int size,
      long[] offsets,
      Difference difference,
      NonFinite nonFinite) {
    int segments = offsets.length - 1;
    int slices = (int) offsets[segments];
    float gamma = (float) params.gamma();
    byte[] keep = new byte[slices];
    float[] distance = new float[slices];
    int[] representative = new int[slices];
    int[] keptIndices = new int[slices];
    int[] keptCounts = new int[segments];
    int[] flags = new int[slices];
    Arrays.fill(keptIndices, -1);
    for (int g = 0; g < segments; g++) {
      int first = (int) offsets[g];
      int anchor = first;
      for (int i = first; i < offsets[g + 1]; i++) {
        boolean kept;
        if (i == first) {
          kept = true;
          flags[i] = nonFinite.test(i) ? SegmentFlags.NON_FINITE : 0;
        } else {
          distance[i] = (float) (params.scale() * (difference.sum(i, anchor) / size));
          boolean bad = !Float.isFinite(distance[i]);
          flags[i] = bad ? SegmentFlags.NON_FINITE : 0;
          kept =
              bad || distance[i] > gamma || (params.maxGap() > 0 && i - anchor >= params.maxGap());
        }
        if (kept) {
          anchor = i;
          keep[i] = 1;
          keptIndices[first + keptCounts[g]++] = i;
        }
        representative[i] = anchor;
      }
    }
    return new Result(keep, distance, representative, keptIndices, keptCounts, flags);
  }
}
