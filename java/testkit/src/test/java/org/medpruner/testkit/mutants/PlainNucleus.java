package org.medpruner.testkit.mutants;

import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_131072_TOKENS;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_32_VOLUMES;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_65536_SEGMENTS;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_ALL_TIES;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_BF16_CUMSUM;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_CAP_FROM_BELOW;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_FLOAT_CUMSUM;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_LIBRARY_EXP;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_LIST_UNSORTED;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_MINUS_ZERO;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_NAN_LAST;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_NEGATIVE_ACCEPTED;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_NO_SLACK;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_NO_TEMPERATURE;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_NO_VOLUMES;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_ONE_LESS;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_ONE_MORE;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_STRICT;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_TARGET_DOWN;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_TARGET_IN_DOUBLE;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_TAU_ONE_BY_SUM;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_U32_SUM;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_UNSTABLE_TIES;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_WEIGHTS_TRUNCATED;
import static org.medpruner.testkit.mutants.Mutation.NUCLEUS_WHOLE_IN_CAP;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.medpruner.NucleusSelect;
import org.medpruner.SegmentFlags;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.testkit.NucleusSelectInput;
import org.medpruner.testkit.NucleusSelectOutput;

/** {@code nucleus_select}, written from its header: sorts integer keys, one long for each token. */
final class PlainNucleus {
  private static final double[] C = {
    1,
    0x1.62e430af291fap-1,
    0x1.ebfbdc3c314c5p-3,
    0x1.c6aee88bcf164p-5,
    0x1.3b2d4cec4a36cp-7,
    0x1.5f3e5436f4de1p-10,
    0x1.41fbc20404cb4p-13
  };

  private final @Nullable Mutation mutation;

  PlainNucleus(@Nullable Mutation mutation) {
    this.mutation = mutation;
  }

  private boolean is(Mutation m) {
    return mutation == m;
  }

  NucleusSelectOutput run(NucleusSelectInput in) {
    NucleusSelect.Params p = in.params();
    float[] v = in.scores();
    int n = v.length;
    int segments = in.offsets().length - 1;
    byte[] mask = new byte[n];
    long[] weights = new long[n];
    int[] flags = new int[segments];
    for (int g = 0; g < segments; g++) {
      if (g >= 65536 && is(NUCLEUS_65536_SEGMENTS)) {
        break;
      }
      int from = (int) in.offsets()[g];
      int to = (int) in.offsets()[g + 1];
      flags[g] = flag(p, v, from, to);
      if (flags[g] != 0) {
        Arrays.fill(mask, from, to, (byte) 1);
        continue;
      }
      weigh(p, v, weights, from, to);
      int end = is(NUCLEUS_131072_TOKENS) ? Math.min(to, from + (1 << 17)) : to;
      int[] ranked = ranked(v, IntStream.range(from, end));
      int k = prefix(p, v, weights, ranked);
      k = Math.max(k, (int) Math.min(p.minTokens(), ranked.length));
      k = p.maxTokens() > 0 ? (int) Math.min(k, p.maxTokens()) : k;
      for (int i = 0; i < k; i++) {
        mask[ranked[i]] = 1;
      }
    }
    long[] volumes = in.volumes();
    if (volumes == null || is(NUCLEUS_NO_VOLUMES)) {
      volumes = new long[] {0, segments};
    }
    for (int volume = 0; volume + 1 < volumes.length; volume++) {
      if (volume >= 32 && is(NUCLEUS_32_VOLUMES)) {
        break;
      }
      List<Integer> tokens = new ArrayList<>();
      for (int g = (int) volumes[volume]; g < volumes[volume + 1]; g++) {
        if (flags[g] == 0 || is(NUCLEUS_WHOLE_IN_CAP)) {
          IntStream.range((int) in.offsets()[g], (int) in.offsets()[g + 1]).forEach(tokens::add);
        }
      }
      bound(p, mask, ranked(v, tokens.stream().mapToInt(i -> i)));
    }
    return output(in, mask, weights, flags);
  }

  private int flag(NucleusSelect.Params p, float[] v, int from, int to) {
    boolean odd = false;
    boolean allLow = to > from;
    boolean negative = false;
    for (int i = from; i < to; i++) {
      odd |= v[i] == Float.POSITIVE_INFINITY || (Float.isNaN(v[i]) && !is(NUCLEUS_NAN_LAST));
      allLow &= v[i] == Float.NEGATIVE_INFINITY;
      negative |= v[i] < 0;
    }
    if (odd || allLow) {
      return SegmentFlags.NON_FINITE;
    }
    boolean refused = negative && p.score() == NucleusSelect.Score.MASS;
    return refused && !is(NUCLEUS_NEGATIVE_ACCEPTED) ? SegmentFlags.NEGATIVE_MASS : 0;
  }

  private void weigh(NucleusSelect.Params p, float[] v, long[] weights, int from, int to) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = from; i < to; i++) {
      max = v[i] > max ? v[i] : max;
    }
    double temperature = is(NUCLEUS_NO_TEMPERATURE) ? 1 : p.temperature();
    double factor = 1.4426950408889634 / temperature;
    for (int i = from; i < to; i++) {
      double w;
      if (p.score() == NucleusSelect.Score.MASS) {
        w = max == 0 ? 0x1p31 : v[i] / max * 0x1p31;
      } else if (is(NUCLEUS_LIBRARY_EXP)) {
        w = Math.exp((v[i] - max) / temperature) * 0x1p31;
      } else {
        w = exponential((v[i] - max) * factor);
      }
      w = Double.isNaN(w) ? 0 : w;
      weights[i] = is(NUCLEUS_WEIGHTS_TRUNCATED) ? (long) w : (long) Math.rint(w);
    }
  }

  private static double exponential(double y) {
    if (y < -32) {
      return 0;
    }
    double whole = Math.rint(y);
    double f = y - whole;
    double p = C[6];
    for (int i = 5; i >= 0; i--) {
      p = Math.fma(p, f, C[i]);
    }
    return Math.scalb(p, (int) whole + 31);
  }

  /** Score descending, index ascending. */
  private int[] ranked(float[] v, IntStream tokens) {
    return tokens
        .mapToObj(i -> new long[] {key(v[i]), is(NUCLEUS_UNSTABLE_TIES) ? -i : i, i})
        .sorted((a, b) -> a[0] != b[0] ? Long.compare(b[0], a[0]) : Long.compare(a[1], b[1]))
        .mapToInt(e -> (int) e[2])
        .toArray();
  }

  /** An integer in the order of the scores. */
  private long key(float score) {
    if (Float.isNaN(score)) {
      return Long.MIN_VALUE;
    }
    float s = is(NUCLEUS_MINUS_ZERO) ? score : score + 0f;
    int bits = Float.floatToRawIntBits(s);
    return bits >= 0 ? bits : -(long) (bits & 0x7fffffff) - 1;
  }

  private int prefix(NucleusSelect.Params p, float[] v, long[] weights, int[] ranked) {
    int n = ranked.length;
    if (p.tau() == 1 && !is(NUCLEUS_TAU_ONE_BY_SUM)) {
      return n;
    }
    if (is(NUCLEUS_FLOAT_CUMSUM) || is(NUCLEUS_BF16_CUMSUM)) {
      return rounded(p, weights, ranked);
    }
    long total = 0;
    for (int i : ranked) {
      total += weights[i];
      total = is(NUCLEUS_U32_SUM) ? total & 0xffffffffL : total;
    }
    double slack = is(NUCLEUS_NO_SLACK) ? p.tau() : p.tau() * (1 - 0x1p-30);
    BigInteger share = BigInteger.valueOf((long) Math.rint(slack * 0x1p62));
    BigInteger[] parts =
        share.multiply(BigInteger.valueOf(total)).divideAndRemainder(BigInteger.TWO.pow(62));
    boolean up = parts[1].signum() > 0 && !is(NUCLEUS_TARGET_DOWN);
    long target = parts[0].longValueExact() + (up ? 1 : 0);
    target = is(NUCLEUS_TARGET_IN_DOUBLE) ? (long) Math.ceil(slack * total) : target;
    target = Math.max(1, target);
    long sum = 0;
    int k = 0;
    while (k < n && (is(NUCLEUS_STRICT) ? sum <= target : sum < target)) {
      sum += weights[ranked[k++]];
    }
    while (is(NUCLEUS_ALL_TIES) && k > 0 && k < n && v[ranked[k]] == v[ranked[k - 1]]) {
      k++;
    }
    k = is(NUCLEUS_ONE_LESS) ? Math.max(0, k - 1) : k;
    return is(NUCLEUS_ONE_MORE) ? Math.min(n, k + 1) : k;
  }

  private int rounded(NucleusSelect.Params p, long[] weights, int[] ranked) {
    double total = 0;
    for (int i : ranked) {
      total += weights[i];
    }
    float sum = 0;
    int k = 0;
    while (k < ranked.length && sum < (float) p.tau()) {
      sum += (float) (weights[ranked[k++]] / total);
      if (is(NUCLEUS_BF16_CUMSUM)) {
        sum = LowPrecision.bf16ToFloat(LowPrecision.floatToBf16(sum));
      }
    }
    return k;
  }

  private void bound(NucleusSelect.Params p, byte[] mask, int[] ranked) {
    long missing = p.volumeMinTokens() - Arrays.stream(ranked).filter(i -> mask[i] != 0).count();
    for (int i : ranked) {
      if (mask[i] == 0 && missing-- > 0) {
        mask[i] = 1;
      }
    }
    long room = p.volumeMaxTokens();
    for (int i = 0; i < ranked.length && p.volumeMaxTokens() > 0; i++) {
      int token = ranked[is(NUCLEUS_CAP_FROM_BELOW) ? ranked.length - 1 - i : i];
      if (mask[token] != 0 && room-- <= 0) {
        mask[token] = 0;
      }
    }
  }

  private NucleusSelectOutput output(
      NucleusSelectInput in, byte[] mask, long[] weights, int[] flags) {
    long[] kept = new long[mask.length];
    long[] counts = new long[flags.length];
    double[] keptMass = new double[flags.length];
    Arrays.fill(kept, -1);
    for (int g = 0; g < flags.length; g++) {
      int from = (int) in.offsets()[g];
      int to = (int) in.offsets()[g + 1];
      IntStream rows = IntStream.range(from, to);
      int[] order = is(NUCLEUS_LIST_UNSORTED) ? ranked(in.scores(), rows) : rows.toArray();
      long sum = 0;
      long total = 0;
      for (int i : order) {
        total += weights[i];
        if (mask[i] != 0) {
          sum += weights[i];
          kept[from + (int) counts[g]++] = i;
        }
      }
      keptMass[g] = flags[g] != 0 ? 1 : total == 0 ? 0 : (double) sum / (double) total;
    }
    return new NucleusSelectOutput(mask, kept, counts, keptMass, flags);
  }
}
