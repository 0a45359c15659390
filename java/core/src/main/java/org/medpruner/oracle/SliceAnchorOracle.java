package org.medpruner.oracle;

import java.util.Arrays;
import org.medpruner.SegmentFlags;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;

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
   * @param patchDistance float[D]; empty without patches
   * @param patchIndex int[D]; empty without patches
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      byte[] keep,
      float[] distance,
      int[] representative,
      int[] keptIndices,
      int[] keptCounts,
      int[] flags,
      float[] patchDistance,
      int[] patchIndex) {}

  /** The values of all slices. */
  private interface Slices {
    /** The sum of absolute differences of two slices. */
    double sum(int i, int anchor);

    /** The absolute difference of value j of two slices. */
    float difference(int i, int anchor, int j);

    /** Whether sums are exact in any order, as those of integers are. */
    boolean exact();

    /** Whether a slice holds a NaN or an infinity. */
    boolean nonFinite(int i);
  }

  /** Integers, whose sums need no order. */
  private abstract static class Integers implements Slices {
    private final int size;

    Integers(int size) {
      this.size = size;
    }

    abstract int value(int at);

    @Override
    public double sum(int i, int anchor) {
      long sum = 0;
      for (int j = 0; j < size; j++) {
        sum += Math.abs(value(i * size + j) - value(anchor * size + j));
      }
      return sum;
    }

    @Override
    public float difference(int i, int anchor, int j) {
      return Math.abs(value(i * size + j) - value(anchor * size + j));
    }

    @Override
    public boolean exact() {
      return true;
    }

    @Override
    public boolean nonFinite(int i) {
      return false;
    }
  }

  private record Floats(float[] values, int size) implements Slices {
    @Override
    public double sum(int i, int anchor) {
      return canonicalSum(values, i * size, anchor * size, size);
    }

    @Override
    public float difference(int i, int anchor, int j) {
      return Math.abs(values[i * size + j] - values[anchor * size + j]);
    }

    @Override
    public boolean exact() {
      return false;
    }

    @Override
    public boolean nonFinite(int i) {
      for (int j = 0; j < size; j++) {
        if (!Float.isFinite(values[i * size + j])) {
          return true;
        }
      }
      return false;
    }
  }

  /**
   * The op on unsigned bytes; arguments are not checked.
   *
   * @param params what decides; {@link SliceAnchor.Params#decideOnly} is ignored
   * @param values byte[D * S], slice by slice; 0x80 is 128
   * @param size S, values of a slice
   * @param offsets long[G + 1] over the slices, from 0 to D
   * @return new arrays
   */
  public static Result run(SliceAnchor.Params params, byte[] values, int size, long[] offsets) {
    Slices slices =
        new Integers(size) {
          @Override
          int value(int at) {
            return values[at] & 0xff;
          }
        };
    return run(params, size, offsets, slices);
  }

  /**
   * The op on signed 16-bit integers; arguments are not checked.
   *
   * @param params what decides; {@link SliceAnchor.Params#decideOnly} is ignored
   * @param values short[D * S], slice by slice
   * @param size S, values of a slice
   * @param offsets long[G + 1] over the slices, from 0 to D
   * @return new arrays
   */
  public static Result run(SliceAnchor.Params params, short[] values, int size, long[] offsets) {
    Slices slices =
        new Integers(size) {
          @Override
          int value(int at) {
            return values[at];
          }
        };
    return run(params, size, offsets, slices);
  }

  /**
   * The op on floats, in the canonical order of additions; arguments are not checked.
   *
   * @param params what decides; {@link SliceAnchor.Params#decideOnly} is ignored
   * @param values float[D * S], slice by slice
   * @param size S, values of a slice
   * @param offsets long[G + 1] over the slices, from 0 to D
   * @return new arrays
   */
  public static Result run(SliceAnchor.Params params, float[] values, int size, long[] offsets) {
    return run(params, size, offsets, new Floats(values, size));
  }

  private static double canonicalSum(float[] v, int a, int b, int size) {
    double total = 0;
    for (int start = 0; start < size; start += CHUNK) {
      float[] lanes = new float[LANES];
      int end = Math.min(start + CHUNK, size);
      for (int j = start; j < end; j++) {
        lanes[(j - start) % LANES] += Math.abs(v[a + j] - v[b + j]);
      }
      total += fold(lanes);
    }
    return total;
  }

  private static float fold(float[] lanes) {
    for (int step = LANES / 2; step > 0; step /= 2) {
      for (int lane = 0; lane < step; lane++) {
        lanes[lane] += lanes[lane + step];
      }
    }
    return lanes[0];
  }

  /** The patch that differs most from that of the anchor; NaN is more than any number. */
  private record Peak(float distance, int index) {
    static Peak of(
        SliceAnchor.Params params, SlicePatches patches, Slices slices, int i, int anchor) {
      Peak peak = new Peak(-1, -1);
      for (int row = 0; row < patches.rows(); row++) {
        for (int column = 0; column < patches.columns(); column++) {
          float d = distance(params, patches, slices, i, anchor, row, column);
          if (!Float.isNaN(peak.distance) && (Float.isNaN(d) || d > peak.distance)) {
            peak = new Peak(d, (int) (row * patches.columns() + column));
          }
        }
      }
      return peak;
    }

    private static float distance(
        SliceAnchor.Params params,
        SlicePatches patches,
        Slices slices,
        int i,
        int anchor,
        int row,
        int column) {
      int top = (int) (row * patches.patchHeight());
      int left = (int) (column * patches.patchWidth());
      int bottom = (int) Math.min(top + patches.patchHeight(), patches.height());
      int right = (int) Math.min(left + patches.patchWidth(), patches.width());
      double total = 0;
      for (int channel = 0; channel < patches.channels(); channel++) {
        float[] lanes = new float[LANES];
        for (int x = left; x < right; x++) {
          float sum = 0;
          for (int y = top; y < bottom; y++) {
            int at = (int) ((channel * patches.height() + y) * patches.width() + x);
            float difference = slices.difference(i, anchor, at);
            if (slices.exact()) {
              total += difference;
            } else {
              sum += difference;
            }
          }
          lanes[(x - left) % LANES] += sum;
        }
        total += fold(lanes);
      }
      long values = patches.channels() * (bottom - top) * (right - left);
      return (float) (params.scale() * (total / values));
    }
  }

  private static Result run(SliceAnchor.Params params, int size, long[] offsets, Slices input) {
    int segments = offsets.length - 1;
    int slices = (int) offsets[segments];
    float gamma = (float) params.gamma();
    byte[] keep = new byte[slices];
    float[] distance = new float[slices];
    int[] representative = new int[slices];
    int[] keptIndices = new int[slices];
    int[] keptCounts = new int[segments];
    int[] flags = new int[slices];
    SlicePatches patches = params.patches();
    float[] patchDistance = new float[patches == null ? 0 : slices];
    int[] patchIndex = new int[patches == null ? 0 : slices];
    Arrays.fill(patchIndex, -1);
    Arrays.fill(keptIndices, -1);
    for (int g = 0; g < segments; g++) {
      int first = (int) offsets[g];
      int anchor = first;
      for (int i = first; i < offsets[g + 1]; i++) {
        boolean kept;
        if (i == first) {
          kept = true;
          flags[i] = input.nonFinite(i) ? SegmentFlags.NON_FINITE : 0;
        } else {
          distance[i] = (float) (params.scale() * (input.sum(i, anchor) / size));
          boolean bad = !Float.isFinite(distance[i]);
          boolean differs = false;
          if (patches != null) {
            Peak peak = Peak.of(params, patches, input, i, anchor);
            patchDistance[i] = peak.distance;
            patchIndex[i] = peak.index;
            bad |= !Float.isFinite(peak.distance);
            differs = peak.distance > (float) params.patchGamma();
          }
          flags[i] = bad ? SegmentFlags.NON_FINITE : 0;
          kept =
              bad
                  || differs
                  || distance[i] > gamma
                  || (params.maxGap() > 0 && i - anchor >= params.maxGap());
        }
        if (kept) {
          anchor = i;
          keep[i] = 1;
          keptIndices[first + keptCounts[g]++] = i;
        }
        representative[i] = anchor;
      }
    }
    return new Result(
        keep, distance, representative, keptIndices, keptCounts, flags, patchDistance, patchIndex);
  }
}
