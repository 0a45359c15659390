package org.medpruner.oracle;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.NucleusSelect;
import org.medpruner.SegmentFlags;

/**
 * Dynamic information nucleus selection in plain Java: what {@code nucleus_select.h} says, by an
 * actual sort and exact integers.
 */
public final class NucleusSelectOracle {
  private static final double LOG2_E = 1.4426950408889634;
  private static final double ONE = 0x1p31;

  // exp2 on [-0.5, 0.5], highest power first; relative error 2.0e-9, exactly 1 at 0.
  private static final double[] EXP2 = {
    0x1.41fbc20404cb4p-13,
    0x1.5f3e5436f4de1p-10,
    0x1.3b2d4cec4a36cp-7,
    0x1.c6aee88bcf164p-5,
    0x1.ebfbdc3c314c5p-3,
    0x1.62e430af291fap-1,
    1
  };

  private NucleusSelectOracle() {}

  /**
   * The op's outputs, as {@link NucleusSelect.Outputs} names them.
   *
   * @param mask byte[N]
   * @param keptIndices long[N]
   * @param keptCounts long[G]
   * @param keptMass double[G]
   * @param flags int[G]
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      byte[] mask, long[] keptIndices, long[] keptCounts, double[] keptMass, int[] flags) {}

  /**
   * The op; arguments are not checked.
   *
   * @param params what is selected
   * @param scores float[N]
   * @param offsets long[G + 1] over the tokens, from 0 to N
   * @param volumes long[V + 1] over the segments, or null for one volume
   * @return new arrays
   */
  public static Result run(
      NucleusSelect.Params params, float[] scores, long[] offsets, long @Nullable [] volumes) {
    int segments = offsets.length - 1;
    int n = scores.length;
    float[] v = new float[n];
    for (int i = 0; i < n; i++) {
      v[i] = scores[i] + 0f; // -0 counts as +0
    }
    Comparator<Integer> order =
        Comparator.<Integer>comparingDouble(i -> -(double) v[i]).thenComparingInt(i -> i);

    byte[] mask = new byte[n];
    int[] flags = new int[segments];
    long[] weights = new long[n];
    for (int g = 0; g < segments; g++) {
      int from = (int) offsets[g];
      int to = (int) offsets[g + 1];
      flags[g] = wholeBecauseOf(params.score(), v, from, to);
      if (flags[g] != 0) {
        Arrays.fill(mask, from, to, (byte) 1);
        continue;
      }
      weigh(params, v, weights, from, to);
      List<Integer> tokens = rows(from, to);
      tokens.sort(order);
      int k = bounded(prefix(params.tau(), tokens, weights), params, tokens.size());
      tokens.subList(0, k).forEach(i -> mask[i] = 1);
    }
    long[] bounds = volumes == null ? new long[] {0, segments} : volumes;
    for (int volume = 0; volume + 1 < bounds.length; volume++) {
      List<Integer> tokens = new ArrayList<>();
      for (int g = (int) bounds[volume]; g < bounds[volume + 1]; g++) {
        if (flags[g] == 0) {
          tokens.addAll(rows((int) offsets[g], (int) offsets[g + 1]));
        }
      }
      tokens.sort(order);
      boundVolume(params, tokens, mask);
    }
    return outputs(mask, offsets, weights, flags);
  }

  /** The flag of a segment that is kept whole, or 0. */
  private static int wholeBecauseOf(NucleusSelect.Score score, float[] v, int from, int to) {
    boolean anything = false;
    boolean negative = false;
    for (int i = from; i < to; i++) {
      if (Float.isNaN(v[i]) || v[i] == Float.POSITIVE_INFINITY) {
        return SegmentFlags.NON_FINITE;
      }
      anything |= v[i] != Float.NEGATIVE_INFINITY;
      negative |= v[i] < 0;
    }
    if (from < to && !anything) {
      return SegmentFlags.NON_FINITE;
    }
    return score == NucleusSelect.Score.MASS && negative ? SegmentFlags.NEGATIVE_MASS : 0;
  }

  private static void weigh(
      NucleusSelect.Params params, float[] v, long[] weights, int from, int to) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = from; i < to; i++) {
      max = Math.max(max, v[i]);
    }
    double factor = LOG2_E / params.temperature();
    for (int i = from; i < to; i++) {
      weights[i] =
          switch (params.score()) {
            case SOFTMAX -> exp2Weight((v[i] - max) * factor);
            case MASS -> max == 0 ? (long) ONE : (long) Math.rint(v[i] / max * ONE);
          };
    }
  }

  /** rne(2^y * 2^31) for y &lt;= 0. */
  static long exp2Weight(double y) {
    if (y < -32) {
      return 0;
    }
    double n = Math.rint(y);
    double f = y - n;
    double p = EXP2[0];
    for (int i = 1; i < EXP2.length; i++) {
      p = Math.fma(p, f, EXP2[i]);
    }
    return (long) Math.rint(Math.scalb(p, (int) n + 31));
  }

  /** Length of the shortest prefix whose weights reach tau. */
  private static int prefix(double tau, List<Integer> tokens, long[] weights) {
    if (tau == 1) {
      return tokens.size();
    }
    long total = tokens.stream().mapToLong(i -> weights[i]).sum();
    double slack = tau * (1 - 0x1p-30);
    BigInteger t = BigInteger.valueOf((long) Math.rint(slack * 0x1p62));
    BigInteger roundUp = BigInteger.ONE.shiftLeft(62).subtract(BigInteger.ONE);
    long target =
        Math.max(
            1, t.multiply(BigInteger.valueOf(total)).add(roundUp).shiftRight(62).longValueExact());
    long sum = 0;
    int k = 0;
    while (k < tokens.size() && sum < target) {
      sum += weights[tokens.get(k++)];
    }
    return k;
  }

  private static int bounded(int k, NucleusSelect.Params params, int n) {
    long least = Math.min(params.minTokens(), n);
    long most = params.maxTokens() == 0 ? n : params.maxTokens();
    return (int) Math.min(Math.max(k, least), most);
  }

  private static void boundVolume(NucleusSelect.Params params, List<Integer> ranked, byte[] mask) {
    long selected = ranked.stream().filter(i -> mask[i] != 0).count();
    for (int i : ranked) {
      if (mask[i] == 0 && selected < params.volumeMinTokens()) {
        mask[i] = 1;
        selected++;
      }
    }
    if (params.volumeMaxTokens() > 0) {
      long left = params.volumeMaxTokens();
      for (int i : ranked) {
        if (mask[i] != 0 && left-- <= 0) {
          mask[i] = 0;
        }
      }
    }
  }

  private static Result outputs(byte[] mask, long[] offsets, long[] weights, int[] flags) {
    int segments = flags.length;
    long[] keptIndices = new long[mask.length];
    long[] keptCounts = new long[segments];
    double[] keptMass = new double[segments];
    Arrays.fill(keptIndices, -1);
    for (int g = 0; g < segments; g++) {
      int from = (int) offsets[g];
      long kept = 0;
      long total = 0;
      for (int i = from; i < offsets[g + 1]; i++) {
        total += weights[i];
        if (mask[i] != 0) {
          keptIndices[from + (int) keptCounts[g]++] = i;
          kept += weights[i];
        }
      }
      keptMass[g] = flags[g] != 0 ? 1 : total == 0 ? 0 : (double) kept / total;
    }
    return new Result(mask, keptIndices, keptCounts, keptMass, flags);
  }

  private static List<Integer> rows(int from, int to) {
    List<Integer> rows = new ArrayList<>();
    for (int i = from; i < to; i++) {
      rows.add(i);
    }
    return rows;
  }
}
