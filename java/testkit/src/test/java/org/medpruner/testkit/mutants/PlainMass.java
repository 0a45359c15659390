package org.medpruner.testkit.mutants;

import static org.medpruner.testkit.mutants.Mutation.MASS_1024_QUERIES;
import static org.medpruner.testkit.mutants.Mutation.MASS_16_HEADS;
import static org.medpruner.testkit.mutants.Mutation.MASS_32_SEGMENTS;
import static org.medpruner.testkit.mutants.Mutation.MASS_ADDS_UP_TO_ONE;
import static org.medpruner.testkit.mutants.Mutation.MASS_BASE_TWO;
import static org.medpruner.testkit.mutants.Mutation.MASS_BF16;
import static org.medpruner.testkit.mutants.Mutation.MASS_HEADS_SUMMED;
import static org.medpruner.testkit.mutants.Mutation.MASS_KEYS_OF_FIRST_HEAD;
import static org.medpruner.testkit.mutants.Mutation.MASS_KEYS_OF_NON_FINITE;
import static org.medpruner.testkit.mutants.Mutation.MASS_LSE_CLAMPED;
import static org.medpruner.testkit.mutants.Mutation.MASS_LSE_IN_BASE_TWO;
import static org.medpruner.testkit.mutants.Mutation.MASS_LSE_MEANS_FIT;
import static org.medpruner.testkit.mutants.Mutation.MASS_LSE_ROWS_FIRST;
import static org.medpruner.testkit.mutants.Mutation.MASS_LSE_UNFLAGGED;
import static org.medpruner.testkit.mutants.Mutation.MASS_MAXIMUM_FROM_ZERO;
import static org.medpruner.testkit.mutants.Mutation.MASS_MULTIPLES_OF_8;
import static org.medpruner.testkit.mutants.Mutation.MASS_NO_MAXIMUM;
import static org.medpruner.testkit.mutants.Mutation.MASS_NO_SCALE;
import static org.medpruner.testkit.mutants.Mutation.MASS_OF_BATCH;
import static org.medpruner.testkit.mutants.Mutation.MASS_ROWS_NOT_COLUMNS;
import static org.medpruner.testkit.mutants.Mutation.MASS_SCALED_FIRST;
import static org.medpruner.testkit.mutants.Mutation.MASS_STRIPS;
import static org.medpruner.testkit.mutants.Mutation.MASS_UNFLAGGED;
import static org.medpruner.testkit.mutants.Mutation.MASS_UNSTABLE;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.medpruner.AttentionMass;
import org.medpruner.SegmentFlags;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.testkit.AttentionMassInput;
import org.medpruner.testkit.AttentionMassOutput;

/** {@code attention_mass}, written from its header: all probabilities of a head at a time. */
final class PlainMass {
  private final @Nullable Mutation mutation;
  private final boolean singles;
  private int runs;

  /**
   * With {@code singles} logits and keys are f32 sums from the last value on, as a kernel's may be.
   */
  PlainMass(@Nullable Mutation mutation, boolean singles) {
    this.mutation = mutation;
    this.singles = singles;
  }

  private boolean is(Mutation m) {
    return mutation == m;
  }

  AttentionMassOutput run(AttentionMassInput in) {
    runs++;
    float[] q = in.query().values();
    float[] k = in.key().values();
    int heads = in.query().size(1);
    int d = in.query().size(2);
    int pool = (int) in.params().pooling().patchesPerToken();
    int tokens = in.query().rows() / pool;
    float[] mass = new float[tokens];
    float[] keys = new float[tokens * d];
    int[] flags = new int[in.offsets().length - 1];
    for (int g = 0; g < flags.length; g++) {
      if (g >= 32 && is(MASS_32_SEGMENTS)) {
        break;
      }
      int from = (int) in.offsets()[g];
      int t = (int) in.offsets()[g + 1] - from;
      boolean odd = false;
      double[] column = new double[t];
      for (int h = 0; h < (is(MASS_16_HEADS) ? Math.min(16, heads) : heads); h++) {
        double[][] p = new double[t][t];
        for (int i = 0; i < (is(MASS_1024_QUERIES) ? Math.min(1024, t) : t); i++) {
          odd |= probabilities(p[i], in, q, k, from, i, h);
        }
        for (int j = 0; j < t; j++) {
          double sum = sum(p, j, from);
          odd |= !is(MASS_LSE_MEANS_FIT) && sum > Float.MAX_VALUE;
          column[j] += sum / (is(MASS_HEADS_SUMMED) ? 1 : heads);
        }
      }
      flags[g] = odd && !is(MASS_UNFLAGGED) ? SegmentFlags.NON_FINITE : 0;
      double[] pooled = new double[t / pool];
      double[] pooledKeys = new double[t / pool * d];
      for (int j = 0; j < t; j++) {
        int token = token(in.params().pooling(), j, pool);
        pooled[token] += column[j] / pool;
        for (int h = 0; h < heads; h++) {
          for (int c = 0; c < d; c++) {
            double share = is(MASS_KEYS_OF_FIRST_HEAD) ? (h == 0 ? 1 : 0) : 1.0 / heads;
            double value = k[((from + j) * heads + h) * d + c];
            pooledKeys[token * d + c] += share == 0 ? 0 : value * share / pool;
          }
        }
      }
      for (int i = 0; i < pooled.length; i++) {
        double share = is(MASS_ADDS_UP_TO_ONE) ? pooled[i] / t : pooled[i];
        mass[from / pool + i] = odd ? Float.NaN : (float) share;
      }
      for (int i = 0; i < pooledKeys.length; i++) {
        boolean none = odd && is(MASS_KEYS_OF_NON_FINITE);
        pooledKeys[i] = singles ? singleKey(in, k, from, t, i) : pooledKeys[i];
        keys[from / pool * d + i] = none ? 0 : (float) pooledKeys[i];
      }
    }
    return new AttentionMassOutput(mass, keys, flags);
  }

  /** Softmax of a row, by its log-sum-exp if that is given; whether something is not finite. */
  private boolean probabilities(
      double[] p, AttentionMassInput in, float[] q, float[] k, int from, int i, int h) {
    int heads = in.query().size(1);
    int d = in.query().size(2);
    double scale = in.params().scale() == 0 ? 1 / Math.sqrt(d) : in.params().scale();
    boolean odd = false;
    for (int j = 0; j < p.length; j++) {
      for (int n = 0; n < (is(MASS_MULTIPLES_OF_8) && d > 8 ? d / 8 * 8 : d); n++) {
        int c = singles ? d - 1 - n : n;
        double a = q[((from + i) * heads + h) * d + c];
        double b = k[((from + j) * heads + h) * d + c];
        odd |= !Double.isFinite(a) || !Double.isFinite(b);
        p[j] = single(p[j] + a * b);
      }
      odd |= !is(MASS_SCALED_FIRST) && !(Math.abs(p[j]) <= Float.MAX_VALUE);
      p[j] = single(p[j] * (is(MASS_NO_SCALE) ? 1 : scale));
      odd |= !(Math.abs(p[j]) <= Float.MAX_VALUE);
    }
    float[] lse = in.lse();
    if (lse != null) {
      int n = lse.length / heads;
      float own = lse[is(MASS_LSE_ROWS_FIRST) ? (from + i) * heads + h : h * n + from + i];
      Arrays.setAll(p, j -> Math.exp(p[j] - own));
      if (is(MASS_LSE_CLAMPED)) {
        Arrays.setAll(p, j -> Math.min(p[j], 0x1p127));
      }
      for (double e : p) {
        odd |= Float.isFinite(own) && e > Float.MAX_VALUE;
      }
      odd |= is(MASS_LSE_IN_BASE_TWO) && Float.isInfinite((float) (own / Math.log(2)));
      return odd || (!Float.isFinite(own) && !is(MASS_LSE_UNFLAGGED));
    }
    double most = is(MASS_NO_MAXIMUM) ? 0 : Arrays.stream(p).max().orElse(0);
    most = is(MASS_MAXIMUM_FROM_ZERO) ? Math.max(0, most) : most;
    double sum = 0;
    for (int j = 0; j < p.length; j++) {
      double x = p[j] - most;
      p[j] = is(MASS_BASE_TWO) ? Math.pow(2, x) : Math.exp(x);
      // As f32 kernels have it.
      p[j] = is(MASS_NO_MAXIMUM) || is(MASS_MAXIMUM_FROM_ZERO) ? (float) p[j] : p[j];
      sum += p[j];
    }
    for (int j = 0; j < p.length; j++) {
      p[j] /= sum;
      p[j] = is(MASS_BF16) ? bf16(p[j]) : p[j];
    }
    return odd;
  }

  /** A pooled key as f32 sums from the last patch and the last head on. */
  private float singleKey(AttentionMassInput in, float[] k, int from, int t, int i) {
    int heads = in.query().size(1);
    int d = in.query().size(2);
    int pool = (int) in.params().pooling().patchesPerToken();
    float sum = 0;
    for (int h = heads - 1; h >= 0; h--) {
      float patches = 0;
      for (int j = t - 1; j >= 0; j--) {
        boolean own = token(in.params().pooling(), j, pool) == i / d;
        patches += own ? k[((from + j) * heads + h) * d + i % d] : 0;
      }
      sum += patches / pool;
    }
    return sum / heads;
  }

  private double single(double v) {
    return singles ? (float) v : v;
  }

  private static double bf16(double v) {
    return LowPrecision.bf16ToFloat(LowPrecision.floatToBf16((float) v));
  }

  private double sum(double[][] p, int j, int from) {
    int t = p.length;
    if (is(MASS_UNSTABLE) || is(MASS_OF_BATCH)) {
      float sum = 0;
      int first = is(MASS_OF_BATCH) ? from % t : 0;
      for (int n = 0; n < t; n++) {
        int i = is(MASS_UNSTABLE) && runs % 2 == 0 ? t - 1 - n : (first + n) % t;
        sum += (float) p[i][j];
      }
      return sum;
    }
    double sum = 0;
    for (int i = 0; i < t; i++) {
      sum += is(MASS_ROWS_NOT_COLUMNS) ? p[j][i] : p[i][j];
    }
    return sum;
  }

  private int token(AttentionMass.Pooling pooling, int patch, int pool) {
    if (pooling instanceof AttentionMass.Grid g && !is(MASS_STRIPS)) {
      int row = patch / (int) g.gridWidth() / (int) g.blockHeight();
      int column = patch % (int) g.gridWidth() / (int) g.blockWidth();
      return row * (int) (g.gridWidth() / g.blockWidth()) + column;
    }
    return patch / pool;
  }
}
