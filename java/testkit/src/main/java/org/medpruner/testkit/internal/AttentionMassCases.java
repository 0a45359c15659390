package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.medpruner.AttentionMass;
import org.medpruner.AttentionMass.Pooling;
import org.medpruner.DType;
import org.medpruner.testkit.AttentionMassInput;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;

/** Cases of {@code attention_mass} for one dtype. */
final class AttentionMassCases {
  private static final Pooling NONE = new AttentionMass.Contiguous(1);

  private final DType dtype;
  private final long seed;
  private final List<TestCase<AttentionMassInput>> all = new ArrayList<>();

  private AttentionMassCases(DType dtype, long seed) {
    this.dtype = dtype;
    this.seed = seed;
  }

  static List<TestCase<AttentionMassInput>> of(DType dtype, long seed, int count) {
    AttentionMassCases cases = new AttentionMassCases(dtype, seed);
    cases.shapes();
    cases.poolings();
    cases.logits();
    cases.logSumExps();
    cases.nonFinite();
    for (int i = 0; i < (count + 1) / 2; i++) {
      cases.random(i);
    }
    cases.large();
    return cases.all;
  }

  private Random random(String name) {
    return Seeds.of(seed, Op.ATTENTION_MASS, dtype, name);
  }

  private void add(
      String name,
      Pooling pooling,
      double scale,
      float[] query,
      float[] key,
      int heads,
      int d,
      long... offsets) {
    int n = Ragged.rows(offsets);
    all.add(
        new TestCase<>(
            name,
            new AttentionMassInput(
                new AttentionMass.Params(pooling, scale),
                HostTensor.rounded(dtype, query, n, heads, d),
                HostTensor.rounded(dtype, key, n, heads, d),
                null,
                offsets)));
  }

  /** Queries and keys of standard deviation {@code spread}. */
  private void normal(
      String name, Pooling pooling, double spread, int heads, int d, long... offsets) {
    Random r = random(name);
    int size = Ragged.rows(offsets) * heads * d;
    add(name, pooling, 0, values(r, size, spread), values(r, size, spread), heads, d, offsets);
  }

  private static float[] values(Random r, int n, double spread) {
    float[] v = new float[n];
    for (int i = 0; i < n; i++) {
      v[i] = (float) (spread * r.nextGaussian());
    }
    return v;
  }

  private void shapes() {
    for (int d : new int[] {1, 3, 9, 16, 64, 72, 80, 90, 96, 128, 256}) {
      normal("head-dimension-" + d, NONE, 1, 2, d, 0, 33);
    }
    for (int t : new int[] {1, 2, 7, 15, 16, 17, 63, 64, 65, 127, 128, 129, 200}) {
      normal("patches-" + t, NONE, 1, 1, 16, 0, t);
    }
    for (int heads : new int[] {1, 3, 16, 17}) {
      normal("heads-" + heads, NONE, 1, heads, 8, 0, 20);
    }
    normal("no-patches", NONE, 1, 2, 8, 0, 0);
    normal("empty-between", NONE, 1, 2, 8, 0, 0, 9, 9, 9, 30, 31);
  }

  private void poolings() {
    for (int group : new int[] {2, 3, 4, 16}) {
      long[] offsets = {0, 3L * group, 3L * group, 10L * group};
      normal("contiguous-" + group, new AttentionMass.Contiguous(group), 1, 2, 8, offsets);
    }
    normal("grid-of-blocks", new AttentionMass.Grid(8, 12, 4, 2), 1, 2, 8, 0, 96, 96, 192);
    normal("grid-of-one-block", new AttentionMass.Grid(3, 5, 3, 5), 1, 2, 8, 0, 15, 30);
    normal("grid-of-single-patches", new AttentionMass.Grid(5, 3, 1, 1), 1, 2, 8, 0, 15);
    // A key that all queries look at: its block gets the mass, no strip of the raster does.
    float[] q = new float[64];
    float[] k = new float[64];
    Arrays.fill(q, 1);
    k[8 * 2 + 5] = 40;
    add("grid-with-a-sink", new AttentionMass.Grid(8, 8, 4, 4), 1, q, k, 1, 1, 0, 64);
  }

  private void logits() {
    float[] same = new float[40 * 2 * 4];
    Arrays.fill(same, 0.5f);
    add("identical-rows", NONE, 0, same, same, 2, 4, 0, 40);
    add("zeros", NONE, 0, new float[40], new float[40], 1, 4, 0, 10);
    normal("large-logits", NONE, 4, 2, 16, 0, 50);
    normal("tiny-logits", NONE, 1e-3, 2, 16, 0, 50);
    // Whole numbers, so that f32 logits are exact; e to the power of most does not fit an f32.
    float[] ones = new float[20];
    float[] tall = new float[20];
    for (int i = 0; i < 20; i++) {
      ones[i] = 1;
      tall[i] = i % 7 == 0 ? 200 : 10 * i;
    }
    add("exponentials-beyond-f32", NONE, 1, ones, tall, 1, 1, 0, 20);
    // Whatever is padded with zeros, or begins as zero, must not be the largest of these.
    for (int t : new int[] {3, 65, 129}) {
      float[] below = new float[t];
      float[] above = new float[t];
      for (int i = 0; i < t; i++) {
        below[i] = -30;
        above[i] = 5 + i % 3;
      }
      add("far-below-zero-" + t, NONE, 1, below, above, 1, 1, 0, t);
    }
    Random r = random("scales");
    float[] q = values(r, 40 * 2 * 16, 1);
    float[] k = values(r, 40 * 2 * 16, 1);
    add("scale-given", NONE, 0.7, q, k, 2, 16, 0, 40);
    add("scale-of-sixteenth", NONE, 0.0625, q, k, 2, 16, 0, 40);
    float[] sink = k.clone();
    for (int i = 0; i < 32; i++) {
      sink[9 * 32 + i] = 6 * Math.signum(q[i]);
    }
    add("sink", NONE, 1, q, sink, 2, 16, 0, 40);
    give("log-sum-exp-given", lse(all.getLast().input()));
    // The first and the last product are large and cancel; what an f32 sum lost to them is gone.
    for (int i = 0; i < 40 * 2; i++) {
      q[i * 16] = 30;
      q[i * 16 + 15] = -30;
      k[i * 16] *= 100;
      k[i * 16 + 15] = k[i * 16];
    }
    add("products-that-cancel", NONE, 0, q, k, 2, 16, 0, 40);
  }

  /** The case before, with a log-sum-exp. */
  private void give(String name, float[] lse) {
    AttentionMassInput in = all.getLast().input();
    all.add(
        new TestCase<>(
            name, new AttentionMassInput(in.params(), in.query(), in.key(), lse, in.offsets())));
  }

  /**
   * Log-sum-exps of several heads and segments, pooled; and odd ones, in one of the segments. Of a
   * finite one exponentials need not fit f32, as it need not itself in base 2.
   */
  private void logSumExps() {
    float[] odd = {
      Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -1e4f, -3e38f, 1e4f, 3e38f
    };
    String[] oddNames = {"nan", "infinite", "minus-infinite", "low", "lowest", "high", "highest"};
    for (int i = 0; i < 2; i++) {
      Pooling pooling =
          i == 0 ? new AttentionMass.Contiguous(2) : new AttentionMass.Grid(4, 6, 2, 3);
      long[] offsets = i == 0 ? new long[] {0, 8, 8, 22, 40} : new long[] {0, 24, 24, 48, 72};
      String where = i == 0 ? "-in-groups" : "-in-a-grid";
      Random r = random("log-sum-exp" + where);
      int n = Ragged.rows(offsets);
      float[] q = values(r, n * 3 * 8, 1);
      float[] k = values(r, n * 3 * 8, 1);
      add("no-log-sum-exp" + where, pooling, 0.5, q, k, 3, 8, offsets);
      float[] lse = lse(all.getLast().input());
      give("log-sum-exp-given" + where, lse);
      for (int j = 0; j < odd.length; j++) {
        float[] broken = lse.clone();
        broken[n + (int) offsets[2] + 5] = odd[j]; // of the second head
        give(oddNames[j] + "-log-sum-exp" + where, broken);
      }
    }
    // Two exponentials of e^88 fit f32, of each of two heads; three do not, be they of one head.
    for (int count = 2; count <= 3; count++) {
      float[] q = new float[24];
      float[] k = new float[24];
      float[] lse = new float[24];
      Arrays.fill(lse, 1000);
      Arrays.fill(k, 5 * 2, 6 * 2, 88);
      for (int i = 0; i < count; i++) {
        Arrays.fill(q, i * 2, i * 2 + 2, 1);
        lse[i] = 0;
        lse[12 + i] = count == 2 ? 0 : 1000;
      }
      add("no-log-sum-exp-of-" + count, NONE, 1, q, k, 2, 1, 0, 6, 12);
      give(count == 2 ? "exponentials-that-fit" : "sums-beyond-f32", lse);
    }
  }

  /** The natural log of each row's sum of exponentials, head by head. */
  private static float[] lse(AttentionMassInput in) {
    float[] q = in.query().values();
    float[] k = in.key().values();
    int n = in.query().rows();
    int heads = in.query().size(1);
    int d = in.query().size(2);
    float[] lse = new float[heads * n];
    for (int h = 0; h < heads; h++) {
      for (int g = 0; g + 1 < in.offsets().length; g++) {
        int from = (int) in.offsets()[g];
        int to = (int) in.offsets()[g + 1];
        for (int i = from; i < to; i++) {
          double[] logits = new double[to - from];
          for (int j = from; j < to; j++) {
            for (int c = 0; c < d; c++) {
              logits[j - from] += (double) q[(i * heads + h) * d + c] * k[(j * heads + h) * d + c];
            }
            logits[j - from] *= in.params().scale();
          }
          double max = Arrays.stream(logits).max().orElseThrow();
          double sum = Arrays.stream(logits).map(x -> StrictMath.exp(x - max)).sum();
          lse[h * n + i] = (float) (max + StrictMath.log(sum));
        }
      }
    }
    return lse;
  }

  private void nonFinite() {
    float nan = Float.NaN;
    float inf = Float.POSITIVE_INFINITY;
    one("nan-in-query", true, nan);
    one("nan-in-key", false, nan);
    one("infinity-in-query", true, inf);
    one("minus-infinity-in-key", false, -inf);
    if (dtype != DType.F16) {
      float[] huge = new float[12];
      Arrays.fill(huge, 3e19f);
      float[] alone = new float[12];
      alone[6] = 3e19f;
      add("logits-beyond-f32", NONE, 1, huge, alone, 1, 1, 0, 4, 8, 12);
      add("products-beyond-f32", NONE, 1e-38, huge, alone, 1, 1, 0, 4, 8, 12);
    }
  }

  /** One odd value in the second of three segments. */
  private void one(String name, boolean inQuery, float value) {
    Random r = random(name);
    float[] q = values(r, 24 * 4, 1);
    float[] k = values(r, 24 * 4, 1);
    (inQuery ? q : k)[10 * 4 + 1] = value;
    add(name, new AttentionMass.Contiguous(2), 0, q, k, 2, 2, 0, 8, 16, 24);
  }

  /** As encoders have them: more patches than a block has threads, a batch of many slices. */
  private void large() {
    normal("patches-1030", NONE, 1, 1, 4, 0, 1030);
    long[] offsets = new long[71];
    for (int g = 0; g < 70; g++) {
      offsets[g + 1] = offsets[g] + g % 4;
    }
    normal("many-segments", NONE, 1, 1, 4, offsets);
  }

  private void random(int index) {
    String name = "random-" + index;
    Random r = random(name);
    int[] dims = {1, 3, 16, 64, 72, 80};
    int d = dims[r.nextInt(dims.length)];
    int heads = 1 + r.nextInt(3);
    int group = 1 + r.nextInt(4);
    long[] offsets = Ragged.random(r, 3, 25);
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] *= group;
    }
    int size = Ragged.rows(offsets) * heads * d;
    add(
        name,
        new AttentionMass.Contiguous(group),
        r.nextBoolean() ? 0 : 0.2,
        values(r, size, 1.5),
        values(r, size, 1.5),
        heads,
        d,
        offsets);
  }
}
