package org.medpruner.oracle;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.medpruner.AttentionMass;
import org.medpruner.SegmentFlags;

/**
 * Attention column mass in plain Java and double precision: the formula of {@code
 * attention_mass.h}, row by row. The backends agree with it as closely as that header says.
 */
public final class AttentionMassOracle {
  private static final double LOG2_E = 1.4426950408889634;

  private AttentionMassOracle() {}

  /**
   * The op's outputs, as {@link AttentionMass.Outputs} names them.
   *
   * @param mass double[N / pool]
   * @param pooledKeys double[N / pool * d]
   * @param flags int[G]
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(double[] mass, double[] pooledKeys, int[] flags) {}

  /**
   * The op; arguments are not checked.
   *
   * @param params pooling and scale
   * @param query float[N * H * d], patch by patch
   * @param key float[N * H * d], patch by patch
   * @param heads H
   * @param d values of one head
   * @param offsets long[G + 1] over the patches, from 0 to N
   * @return new arrays
   */
  public static Result run(
      AttentionMass.Params params, float[] query, float[] key, int heads, int d, long[] offsets) {
    return run(params, query, key, null, heads, d, offsets);
  }

  /**
   * The op with the sums of exponentials given; arguments are not checked.
   *
   * @param params pooling and scale
   * @param query float[N * H * d], patch by patch
   * @param key float[N * H * d], patch by patch
   * @param lse null, or float[H * N], head by head: natural log of each query row's sum of
   *     exponentials of the scaled logits, taken as it is
   * @param heads H
   * @param d values of one head
   * @param offsets long[G + 1] over the patches, from 0 to N
   * @return new arrays
   */
  public static Result run(
      AttentionMass.Params params,
      float[] query,
      float[] key,
      float @Nullable [] lse,
      int heads,
      int d,
      long[] offsets) {
    int segments = offsets.length - 1;
    int pool = (int) params.pooling().patchesPerToken();
    int patches = (int) offsets[segments];
    int tokens = patches / pool;
    double scale = params.scale() == 0 ? 1 / Math.sqrt(d) : params.scale();
    double[] mass = new double[tokens];
    double[] pooledKeys = new double[tokens * d];
    int[] flags = new int[segments];
    for (int g = 0; g < segments; g++) {
      int from = (int) offsets[g];
      int length = (int) offsets[g + 1] - from;
      double[] columns = new double[length];
      boolean finite = length == 0 || fits(scale * LOG2_E);
      for (int h = 0; h < heads; h++) {
        double[] sums = new double[length]; // of this head alone
        for (int q = 0; q < length; q++) {
          double[] row = logits(query, key, from, q, h, heads, d, length, scale);
          finite &=
              lse == null
                  ? addSoftmax(row, columns, heads)
                  : addExponentials(row, lse[h * patches + from + q], columns, sums, heads);
        }
        for (double sum : sums) {
          finite &= fits(sum);
        }
      }
      finite &= finite(query, from, length, heads * d) && finite(key, from, length, heads * d);
      flags[g] = finite ? 0 : SegmentFlags.NON_FINITE;
      int firstToken = from / pool;
      for (int p = 0; p < length; p++) {
        int token = firstToken + (int) params.pooling().tokenOf(p);
        mass[token] += columns[p] / pool;
        for (int h = 0; h < heads; h++) {
          for (int c = 0; c < d; c++) {
            pooledKeys[token * d + c] +=
                (double) key[((from + p) * heads + h) * d + c] / pool / heads;
          }
        }
      }
      if (!finite) {
        Arrays.fill(mass, firstToken, firstToken + length / pool, Double.NaN);
      }
    }
    return new Result(mass, pooledKeys, flags);
  }

  private static double[] logits(
      float[] query,
      float[] key,
      int from,
      int q,
      int h,
      int heads,
      int d,
      int length,
      double scale) {
    double[] row = new double[length];
    for (int k = 0; k < length; k++) {
      double dot = 0;
      for (int c = 0; c < d; c++) {
        dot +=
            (double) query[((from + q) * heads + h) * d + c]
                * key[((from + k) * heads + h) * d + c];
      }
      row[k] = fits(dot) && fits(dot * scale * LOG2_E) ? scale * dot : Double.NaN;
    }
    return row;
  }

  /** Whether a value on the way to a mass is finite as a float, which backends compute in. */
  private static boolean fits(double value) {
    return Math.abs(value) <= Float.MAX_VALUE;
  }

  /** Adds softmax(row) / heads to the columns; false when a logit did not fit a float. */
  private static boolean addSoftmax(double[] row, double[] columns, int heads) {
    double max = Double.NEGATIVE_INFINITY;
    for (double logit : row) {
      if (Double.isNaN(logit)) {
        return false;
      }
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (double logit : row) {
      sum += StrictMath.exp(logit - max);
    }
    for (int k = 0; k < row.length; k++) {
      columns[k] += StrictMath.exp(row[k] - max) / sum / heads;
    }
    return true;
  }

  /**
   * Adds exp(row - lse) to the sums and, divided by heads, to the columns; false when one of them
   * does not fit a float.
   */
  private static boolean addExponentials(
      double[] row, float lse, double[] columns, double[] sums, int heads) {
    boolean fits = Float.isFinite(lse);
    for (int k = 0; k < row.length; k++) {
      double e = StrictMath.exp(row[k] - lse);
      fits &= fits(e);
      columns[k] += e / heads;
      sums[k] += e;
    }
    return fits;
  }

  private static boolean finite(float[] values, int from, int length, int rowSize) {
    for (int i = from * rowSize; i < (from + length) * rowSize; i++) {
      if (!Float.isFinite(values[i])) {
        return false;
      }
    }
    return true;
  }
}
