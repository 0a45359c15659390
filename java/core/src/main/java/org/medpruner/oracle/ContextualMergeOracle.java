package org.medpruner.oracle;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.medpruner.ContextualMerge;
import org.medpruner.SegmentFlags;

/**
 * Contextual merging in plain Java: what {@code contextual_merge.h} says, in its canonical
 * arithmetic. The assignment comes from {@link #assign}, the features from {@link #merge} or {@link
 * #mergeF16} and {@link #mergeBf16}.
 */
public final class ContextualMergeOracle {
  // Below this square a key has no direction worth the name, and 1/sqrt of a subnormal could
  // overflow.
  private static final float LEAST_SQUARE = 1e-24f;

  private ContextualMergeOracle() {}

  /**
   * The op's outputs but the features, as {@link ContextualMerge.Outputs} names them.
   *
   * @param role byte[N]
   * @param assignment long[N]
   * @param keptIndices long[N]
   * @param keptCounts long[G]
   * @param flags int[G]
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      byte[] role, long[] assignment, long[] keptIndices, long[] keptCounts, int[] flags) {}

  /**
   * Chooses targets and assigns the rest to them; arguments are not checked.
   *
   * @param params share of targets
   * @param keys float[N * d], token by token
   * @param d values of a key
   * @param nucleus byte[N], nonzero = in the nucleus
   * @param offsets long[G + 1] over the tokens, from 0 to N
   * @return new arrays
   */
  public static Result assign(
      ContextualMerge.Params params, float[] keys, int d, byte[] nucleus, long[] offsets) {
    int n = nucleus.length;
    int segments = offsets.length - 1;
    byte[] role = new byte[n];
    long[] assignment = new long[n];
    long[] keptIndices = new long[n];
    long[] keptCounts = new long[segments];
    int[] flags = new int[segments];
    Arrays.fill(keptIndices, -1);
    for (int g = 0; g < segments; g++) {
      int from = (int) offsets[g];
      int to = (int) offsets[g + 1];
      int[] rest = rest(nucleus, from, to);
      int[] targets = targets(rest, params.ratio(), to - from);
      for (int i = from; i < to; i++) {
        role[i] = nucleus[i] != 0 ? ContextualMerge.ROLE_NUCLEUS : ContextualMerge.ROLE_MERGED;
        assignment[i] = i;
      }
      for (int t : targets) {
        role[t] = ContextualMerge.ROLE_TARGET;
      }
      for (int i : rest) {
        if (inverseNorm(keys, i, d) == 0) {
          flags[g] |= SegmentFlags.ZERO_KEY;
        }
        if (role[i] == ContextualMerge.ROLE_MERGED) {
          assignment[i] = nearest(keys, d, i, targets);
        }
      }
      for (int i = from; i < to; i++) {
        if (role[i] != ContextualMerge.ROLE_MERGED) {
          keptIndices[from + (int) keptCounts[g]++] = i;
        }
      }
    }
    return new Result(role, assignment, keptIndices, keptCounts, flags);
  }

  private static int[] rest(byte[] nucleus, int from, int to) {
    int[] rest = new int[to - from];
    int count = 0;
    for (int i = from; i < to; i++) {
      if (nucleus[i] == 0) {
        rest[count++] = i;
      }
    }
    return Arrays.copyOf(rest, count);
  }

  private static int[] targets(int[] rest, double ratio, int n) {
    int most = Math.max((int) (ratio * n), 1);
    int step = Math.max(1, rest.length / most);
    int[] targets = new int[Math.min(most, (rest.length + step - 1) / step)];
    for (int j = 0; j < targets.length; j++) {
      targets[j] = rest[j * step];
    }
    return targets;
  }

  private static int nearest(float[] keys, int d, int token, int[] targets) {
    float inverse = inverseNorm(keys, token, d);
    int best = targets[0];
    float bestSimilarity = Float.NEGATIVE_INFINITY;
    for (int target : targets) {
      float other = inverseNorm(keys, target, d);
      float similarity =
          inverse == 0 || other == 0 ? 0 : dot(keys, token, target, d) * inverse * other;
      if (similarity > bestSimilarity) {
        bestSimilarity = similarity;
        best = target;
      }
    }
    return best;
  }

  private static float inverseNorm(float[] keys, int row, int d) {
    float square = dot(keys, row, row, d);
    return square < LEAST_SQUARE || !Float.isFinite(square) ? 0 : 1 / (float) Math.sqrt(square);
  }

  private static float dot(float[] keys, int a, int b, int d) {
    float sum = 0;
    for (int j = 0; j < d; j++) {
      sum = Math.fma(keys[a * d + j], keys[b * d + j], sum);
    }
    return sum;
  }

  /**
   * Merges F32 features.
   *
   * @param features float[N * C], token by token; not changed
   * @param columns C
   * @param result of {@link #assign} for the same tokens
   * @return float[N * C]: target rows merged, all others copied
   */
  public static float[] merge(float[] features, int columns, Result result) {
    float[] merged = features.clone();
    for (int t = 0; t < result.role.length; t++) {
      float[] row = mergedRow(features, columns, result, t);
      if (row != null) {
        System.arraycopy(row, 0, merged, t * columns, columns);
      }
    }
    return merged;
  }

  /**
   * Merges F16 features: in float, rounded to the nearest half at the end.
   *
   * @param features bits, short[N * C], token by token; not changed
   * @param columns C
   * @param result of {@link #assign} for the same tokens
   * @return bits, short[N * C]: target rows merged, all others copied
   */
  public static short[] mergeF16(short[] features, int columns, Result result) {
    float[] values = LowPrecision.f16ToFloat(features);
    short[] merged = features.clone();
    for (int t = 0; t < result.role.length; t++) {
      float[] row = mergedRow(values, columns, result, t);
      for (int c = 0; row != null && c < columns; c++) {
        merged[t * columns + c] = LowPrecision.floatToF16(row[c]);
      }
    }
    return merged;
  }

  /**
   * Merges BF16 features: in float, rounded to the nearest bfloat16 at the end.
   *
   * @param features bits, short[N * C], token by token; not changed
   * @param columns C
   * @param result of {@link #assign} for the same tokens
   * @return bits, short[N * C]: target rows merged, all others copied
   */
  public static short[] mergeBf16(short[] features, int columns, Result result) {
    float[] values = LowPrecision.bf16ToFloat(features);
    short[] merged = features.clone();
    for (int t = 0; t < result.role.length; t++) {
      float[] row = mergedRow(values, columns, result, t);
      for (int c = 0; row != null && c < columns; c++) {
        merged[t * columns + c] = LowPrecision.floatToBf16(row[c]);
      }
    }
    return merged;
  }

  /** A target's row plus the mean of those assigned to it; null when nothing is. */
  private static float @Nullable [] mergedRow(
      float[] features, int columns, Result result, int target) {
    float[] sum = new float[columns];
    int count = 0;
    for (int i = 0; i < result.role.length; i++) {
      if (i != target && result.assignment[i] == target) {
        for (int c = 0; c < columns; c++) {
          sum[c] += features[i * columns + c];
        }
        count++;
      }
    }
    if (count == 0) {
      return null;
    }
    for (int c = 0; c < columns; c++) {
      float value = features[target * columns + c] + sum[c] / count;
      sum[c] = Float.isNaN(value) ? Float.NaN : value;
    }
    return sum;
  }
}
