package org.medpruner.testkit.mutants;

import static org.medpruner.testkit.mutants.Mutation.ANCHOR_131072_VALUES;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_16384_FLOATS;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_256_PATCHES;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_256_WIDE;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_32_VOLUMES;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_64_SLICES;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_8_PLANES;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_ACROSS_VOLUMES;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_BF16_MEAN;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_DOUBLE_SUM;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_EQUALITY_KEEPS;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_FIRST_UNFLAGGED;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_GAMMA_IN_DOUBLE;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_GAP_IN_INT;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_GAP_IN_NIBBLE;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_GAP_OFF_BY_ONE;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_I16_WRAPS;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_IS_PREVIOUS;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_LIST_OF_ZEROS;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_NAN_DROPPED;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_NAN_UNFLAGGED;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_NOT_ADVANCED;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_PATCH_BY_VALUES;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_PATCH_EDGE;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_PATCH_IGNORED;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_PATCH_TIE_LAST;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_REPRESENTATIVE_BEFORE;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_SCALE_FORGOTTEN;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_SERIAL_FLOAT_SUM;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_SQUARES;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_U32_SUM;
import static org.medpruner.testkit.mutants.Mutation.ANCHOR_U8_SIGNED;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.SegmentFlags;
import org.medpruner.SlicePatches;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.testkit.SliceAnchorInput;
import org.medpruner.testkit.SliceAnchorOutput;

/** {@code slice_anchor}, written from its header. */
final class PlainAnchor {
  private final @Nullable Mutation mutation;

  PlainAnchor(@Nullable Mutation mutation) {
    this.mutation = mutation;
  }

  private boolean is(Mutation m) {
    return mutation == m;
  }

  SliceAnchorOutput run(SliceAnchorInput in) {
    int n = in.slices().rows();
    int size = in.slices().columns();
    float[] x = in.slices().values();
    boolean integers = in.dtype() == DType.U8 || in.dtype() == DType.I16;
    if (is(ANCHOR_U8_SIGNED) && in.dtype() == DType.U8) {
      for (int i = 0; i < x.length; i++) {
        x[i] = (byte) x[i];
      }
    }
    double scale = is(ANCHOR_SCALE_FORGOTTEN) ? 1 : in.params().scale();
    SlicePatches grid = in.params().patches();
    byte[] keep = new byte[n];
    float[] distance = new float[n];
    int[] representative = new int[n];
    int[] kept = new int[n];
    int[] counts = new int[in.offsets().length - 1];
    int[] flags = new int[n];
    float[] patchDistance = new float[n];
    int[] patchIndex = new int[n];
    Arrays.fill(kept, is(ANCHOR_LIST_OF_ZEROS) ? 0 : -1);
    Arrays.fill(patchIndex, -1);
    int anchor = 0;
    for (int g = 0; g < counts.length; g++) {
      if (g >= 32 && is(ANCHOR_32_VOLUMES)) {
        break;
      }
      int first = (int) in.offsets()[g];
      anchor = is(ANCHOR_ACROSS_VOLUMES) ? anchor : first;
      for (int i = first; i < in.offsets()[g + 1]; i++) {
        boolean stays = i == first && !(is(ANCHOR_ACROSS_VOLUMES) && g > 0);
        if (stays) {
          boolean odd = false;
          for (int j = 0; j < size; j++) {
            odd |= !Float.isFinite(x[i * size + j]);
          }
          flags[i] = odd && !is(ANCHOR_FIRST_UNFLAGGED) ? SegmentFlags.NON_FINITE : 0;
        } else {
          int other = is(ANCHOR_IS_PREVIOUS) ? i - 1 : is(ANCHOR_NOT_ADVANCED) ? first : anchor;
          double sum = integers ? exact(x, i, other, size, in.dtype()) : sum(x, i, other, size);
          float d = (float) (scale * (sum / size));
          distance[i] = d;
          float compared = is(ANCHOR_BF16_MEAN) ? bf16(d) : d;
          double gamma = in.params().gamma();
          boolean beyond =
              is(ANCHOR_GAMMA_IN_DOUBLE)
                  ? compared > gamma
                  : is(ANCHOR_EQUALITY_KEEPS)
                      ? compared >= (float) gamma
                      : compared > (float) gamma;
          boolean odd = !Float.isFinite(d);
          if (grid != null) {
            float[] all = patches(grid, x, i, other, size, integers, scale);
            int worst = worst(all);
            patchDistance[i] = Float.isNaN(all[worst]) ? Float.NaN : all[worst];
            patchIndex[i] = worst;
            odd |= !Float.isFinite(all[worst]);
            beyond |= !is(ANCHOR_PATCH_IGNORED) && all[worst] > (float) in.params().patchGamma();
          }
          long gap = in.params().maxGap();
          gap = is(ANCHOR_GAP_IN_INT) ? (int) gap : is(ANCHOR_GAP_IN_NIBBLE) ? gap % 16 : gap;
          int since = i - anchor;
          boolean due = gap > 0 && (is(ANCHOR_GAP_OFF_BY_ONE) ? since > gap : since >= gap);
          stays = beyond || due || (odd && !is(ANCHOR_NAN_DROPPED));
          flags[i] = odd && !is(ANCHOR_NAN_UNFLAGGED) ? SegmentFlags.NON_FINITE : 0;
        }
        stays &= i - first < 64 || !is(ANCHOR_64_SLICES);
        if (stays) {
          anchor = i;
          keep[i] = 1;
          kept[first + counts[g]++] = i;
        }
        representative[i] = !stays && is(ANCHOR_REPRESENTATIVE_BEFORE) ? i - 1 : anchor;
      }
    }
    return new SliceAnchorOutput(
        keep,
        distance,
        representative,
        kept,
        counts,
        flags,
        grid == null ? null : patchDistance,
        grid == null ? null : patchIndex);
  }

  private static float bf16(float v) {
    return LowPrecision.bf16ToFloat(LowPrecision.floatToBf16(v));
  }

  private double exact(float[] x, int a, int b, int size, DType dtype) {
    long sum = 0;
    int read = is(ANCHOR_131072_VALUES) ? Math.min(size, 1 << 17) : size;
    for (int j = 0; j < read; j++) {
      int difference = (int) x[a * size + j] - (int) x[b * size + j];
      sum +=
          is(ANCHOR_I16_WRAPS) && dtype == DType.I16
              ? Math.abs((short) difference)
              : Math.abs(difference);
      sum = is(ANCHOR_U32_SUM) ? sum & 0xffffffffL : sum;
    }
    return sum;
  }

  private double sum(float[] x, int a, int b, int size) {
    if (is(ANCHOR_DOUBLE_SUM) || is(ANCHOR_SERIAL_FLOAT_SUM)) {
      double exact = 0;
      float single = 0;
      for (int j = 0; j < size; j++) {
        float d = Math.abs(x[a * size + j] - x[b * size + j]);
        exact += d;
        single += d;
      }
      return is(ANCHOR_DOUBLE_SUM) ? exact : single;
    }
    double total = 0;
    int read = is(ANCHOR_16384_FLOATS) ? Math.min(size, 1 << 14) : size;
    for (int chunk = 0; chunk < read; chunk += 4096) {
      float[] lane = new float[32];
      for (int j = chunk; j < Math.min(size, chunk + 4096); j++) {
        float d = Math.abs(x[a * size + j] - x[b * size + j]);
        lane[j % 32] += is(ANCHOR_SQUARES) ? d * d : d;
      }
      total += butterfly(lane);
    }
    return total;
  }

  private static float butterfly(float[] lane) {
    for (int mask = 16; mask > 0; mask >>= 1) {
      float[] folded = new float[32];
      for (int l = 0; l < 32; l++) {
        folded[l] = lane[l] + lane[l ^ mask];
      }
      lane = folded;
    }
    return lane[0];
  }

  private float[] patches(
      SlicePatches grid, float[] x, int a, int b, int size, boolean integers, double scale) {
    int height = (int) grid.height();
    int width = (int) grid.width();
    int ph = (int) grid.patchHeight();
    int pw = (int) grid.patchWidth();
    float[] all = new float[(int) (grid.rows() * grid.columns())];
    for (int p = 0; p < all.length; p++) {
      int top = p / (int) grid.columns() * ph;
      int left = p % (int) grid.columns() * pw;
      int bottom = Math.min(height, top + ph);
      int right = Math.min(width, left + pw);
      int end = is(ANCHOR_256_WIDE) ? Math.min(right, left + 256) : right;
      double total = 0;
      long planes = is(ANCHOR_8_PLANES) ? Math.min(8, grid.channels()) : grid.channels();
      for (int c = 0; c < planes; c++) {
        float[] lane = new float[32];
        for (int column = left; column < end; column++) {
          float down = 0;
          for (int row = top; row < bottom; row++) {
            int at = (c * height + row) * width + column;
            float d = Math.abs(x[a * size + at] - x[b * size + at]);
            if (is(ANCHOR_PATCH_BY_VALUES)) {
              lane[(column - left) % 32] += d;
            } else {
              down += d;
            }
            total += integers ? d : 0;
          }
          lane[(column - left) % 32] += down;
        }
        total += integers ? 0 : butterfly(lane);
      }
      long values = grid.channels() * (bottom - top) * (right - left);
      values = is(ANCHOR_PATCH_EDGE) ? grid.channels() * ph * pw : values;
      all[p] = (float) (scale * (total / values));
    }
    return all;
  }

  private int worst(float[] all) {
    int worst = 0;
    int seen = is(ANCHOR_256_PATCHES) ? Math.min(256, all.length) : all.length;
    for (int p = 1; p < seen; p++) {
      boolean more = all[p] > all[worst] || (is(ANCHOR_PATCH_TIE_LAST) && all[p] == all[worst]);
      if (!Float.isNaN(all[worst]) && (Float.isNaN(all[p]) || more)) {
        worst = p;
      }
    }
    return worst;
  }
}
