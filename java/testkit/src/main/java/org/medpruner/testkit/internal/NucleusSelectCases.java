package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.NucleusSelect.Params;
import org.medpruner.NucleusSelect.Score;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.testkit.NucleusSelectInput;
import org.medpruner.testkit.Op;

/** Cases of {@code nucleus_select}; the edge cases for both scores. */
final class NucleusSelectCases {
  private final long seed;
  private final Score score;
  private final List<TestCase<NucleusSelectInput>> all;

  private NucleusSelectCases(long seed, Score score, List<TestCase<NucleusSelectInput>> all) {
    this.seed = seed;
    this.score = score;
    this.all = all;
  }

  static List<TestCase<NucleusSelectInput>> of(long seed, int count) {
    List<TestCase<NucleusSelectInput>> all = new ArrayList<>();
    for (Score score : Score.values()) {
      NucleusSelectCases cases = new NucleusSelectCases(seed, score, all);
      cases.shares();
      cases.ties();
      cases.oddValues();
      cases.sizes();
      cases.bounds();
      for (int i = 0; i < (count + 1) / 2; i++) {
        cases.random(i);
      }
      cases.large();
    }
    return all;
  }

  private void add(
      String name, Params params, float[] scores, long[] offsets, long @Nullable [] volumes) {
    all.add(
        new TestCase<>(
            score.name().toLowerCase(Locale.ROOT) + "-" + name,
            new NucleusSelectInput(params, scores, offsets, volumes)));
  }

  /** One segment. */
  private void add(String name, Params params, float... scores) {
    add(name, params, scores, new long[] {0, scores.length}, null);
  }

  private Params tau(double tau) {
    return tau(tau, 2);
  }

  private Params tau(double tau, double temperature) {
    return new Params(score, tau, temperature, 0, 0, 0, 0);
  }

  private Random random(String name) {
    return Seeds.of(seed, Op.NUCLEUS_SELECT, DType.F32, score + name);
  }

  private static float[] ones(int n) {
    float[] v = new float[n];
    Arrays.fill(v, 1);
    return v;
  }

  private static float[] with(float[] values, int index, float value) {
    float[] v = values.clone();
    v[index] = value;
    return v;
  }

  /** How much of the weight is enough. */
  private void shares() {
    for (int n : new int[] {1, 2, 10, 196, 256, 324, 512, 576, 729, 1024, 1600}) {
      add("equal-" + n, tau(0.9), ones(n));
    }
    add("six-of-ten", tau(0.6), ones(10));
    add("tenths", tau(0.3), ones(10));
    add("half-of-two", tau(0.5), 1, 1);
    // tau * (1 - 2^-30) is a half to the last bit: the weight of the first ones is exactly enough.
    add("exactly-enough", tau(0.5 * (1 + 0x1p-30)), 1, 1);
    add("exactly-enough-of-six", tau(0.5 * (1 + 0x1p-30)), 1, 1, 1, 1, 1, 1);
    if (score == Score.MASS) { // both have the same rule, which is exact
      // tau' is 2^-53 more than a half: M, rounded up, is one more than the first ones weigh.
      add("a-hair-more-than-enough", tau(0.5000000004656614), 1, 1);
      // Here tau' times the weight, rounded to an f64, is what the first one weighs.
      add("a-hair-more-than-a-double-shows", tau(0.3333333336437742), 1, 1, 1);
    }
    add("tau-one", tau(1), masses(random("tau-one"), 50));
    add("tau-one-with-a-sink", tau(1), with(ones(40), 17, 300));
    add("tau-just-below-one", tau(Math.nextDown(1.0)), masses(random("below-one"), 50));
    add("tau-just-below-one-with-a-sink", tau(Math.nextDown(1.0)), with(ones(40), 17, 300));
    add("tau-tiny", tau(1e-12), masses(random("tau-tiny"), 50));
    for (double tau : new double[] {.94, .95, .953, .96, .97, .99, .999}) {
      add("equal-256-tau-" + tau, tau(tau), ones(256));
    }
    add("sink", tau(0.9), with(ones(256), 7, 64));
    add("sinks-of-one-height", tau(0.9), with(with(ones(256), 7, 64), 200, 64));
    for (double t : new double[] {1e-3, 0.5, 1, 50, 1e30, 1e-300}) {
      add("temperature-" + t, tau(0.9, t), masses(random("temperature"), 200));
    }
    // Segments of two keep the first, so that the kept mass shows the second's weight to the bit.
    Random r = random("weights");
    float[] pairs = new float[4000];
    long[] offsets = new long[pairs.length / 2 + 1];
    for (int g = 0; g + 1 < offsets.length; g++) {
      boolean mass = score == Score.MASS;
      pairs[2 * g] = mass ? 1 + r.nextFloat() : 50 * r.nextFloat();
      float span = mass ? 1 : r.nextInt(4) == 0 ? 48 : 4;
      pairs[2 * g + 1] = pairs[2 * g] - span * r.nextFloat();
      offsets[g + 1] = 2L * (g + 1);
    }
    add("weights", tau(1e-9), pairs, offsets, null);
  }

  private void ties() {
    add("ties-at-the-threshold", tau(0.5), 1, 2, 1, 2, 1, 2, 1, 1, 1);
    add("ties-below-the-threshold", tau(0.8), 5, 1, 1, 5, 1, 1, 1);
    Random r = random("bf16");
    float[] coarse = new float[700];
    for (int i = 0; i < coarse.length; i++) {
      float x = (float) StrictMath.exp(r.nextGaussian());
      coarse[i] = LowPrecision.bf16ToFloat(LowPrecision.floatToBf16(x));
    }
    add("bf16-scores", tau(0.9), coarse);
    add("minus-zero-ties-with-zero", tau(0.5), -0f, 0, -0f, 0, -0f, 0);
    add("minus-zero-below-one", tau(0.7), 0, -0f, 1, -0f, 0);
    add("all-zero", tau(0.55), new float[9]);
    float a = 1e-40f;
    add("subnormal-differences", tau(0.5), 0, a, 2 * a, 3 * a, 0, a, 3 * a);
    // Weights tie where scores do not: the scores decide.
    float up = Math.nextUp(1f);
    add("neighbours", tau(0.5), 1, up, 1, up, 1, up, 1, up);
  }

  private void oddValues() {
    float nan = Float.NaN;
    float inf = Float.POSITIVE_INFINITY;
    add("nan", tau(0.3), 1, nan, 5, 2);
    add("nan-beside-good", tau(0.3), f(1, nan, 5, 2, 1, 9), new long[] {0, 2, 4, 6}, null);
    add("infinity", tau(0.3), 1, inf, 5, 2);
    add("infinities", tau(0.3), inf, inf);
    add("one-minus-infinity", tau(0.99), 1, -inf, 1, 2);
    add("all-minus-infinity", tau(0.3), -inf, -inf, -inf);
    add("negative", tau(0.6), 3, -1, 2, 4);
    add("all-negative", tau(0.6), -3, -1, -2, -4);
    add("nan-and-negative", tau(0.6), -3, nan, -2);
    add("largest", tau(0.6), Float.MAX_VALUE, 1, Float.MAX_VALUE, -Float.MAX_VALUE);
    add("subnormal-largest", tau(0.6), Float.MIN_VALUE, 0, 3 * Float.MIN_VALUE, 0);
  }

  private static float[] f(float... values) {
    return values;
  }

  private void sizes() {
    add("no-segments-rows", tau(0.9), new float[0], new long[] {0, 0}, null);
    add("one-token", tau(0.1), 3);
    add("empty-between", tau(0.5), f(1, 2, 3, 4, 5), new long[] {0, 0, 2, 2, 2, 5, 5}, null);
    float[] many = masses(random("many"), 70_000);
    add("over-65536-tokens", tau(0.9), many);
    int[] lengths = {1, 2, 31, 32, 33, 63, 64, 65, 127, 255, 256, 257, 1023, 1024, 1025, 4097};
    long[] offsets = Ragged.offsets(lengths);
    add("lengths", tau(0.85), masses(random("lengths"), Ragged.rows(offsets)), offsets, null);
  }

  private void bounds() {
    float[] v = masses(random("bounds"), 120);
    long[] offsets = {0, 30, 30, 32, 70, 120};
    long[] volumes = {0, 2, 2, 5};
    Params p = tau(0.6);
    add("floor", p.withTokens(20, 0), v, offsets, null);
    add("cap", p.withTokens(0, 5), v, offsets, null);
    add("floor-and-cap", p.withTokens(7, 7), v, offsets, null);
    add("cap-at-tau-one", tau(1).withTokens(0, 5), v, offsets, null);
    add("volume-floor", p.withVolumeTokens(60, 0), v, offsets, volumes);
    add("volume-cap", p.withVolumeTokens(0, 9), v, offsets, volumes);
    add("volume-cap-of-one-volume", p.withVolumeTokens(0, 9), v, offsets, null);
    add("all-bounds", p.withTokens(2, 12).withVolumeTokens(20, 22), v, offsets, volumes);
    add("volume-floor-over-cap", p.withTokens(0, 3).withVolumeTokens(25, 0), v, offsets, volumes);
    float[] odd = with(with(v, 31, Float.NaN), 5, 40);
    add(
        "bounds-beside-a-whole-segment",
        p.withTokens(0, 4).withVolumeTokens(0, 9),
        odd,
        offsets,
        null);
    add("volume-ties", p.withVolumeTokens(0, 7), ones(120), offsets, null);
  }

  /** More tokens, segments and volumes than 16 bits count, or a block has threads. */
  private void large() {
    int[] lengths = new int[66_000];
    Arrays.setAll(lengths, g -> g % 3);
    long[] offsets = Ragged.offsets(lengths);
    long[] volumes = new long[41];
    for (int v = 1; v < volumes.length; v++) {
      volumes[v] = 1650L * v;
    }
    add(
        "many-segments",
        tau(0.9).withVolumeTokens(0, 1000),
        masses(random("many-segments"), Ragged.rows(offsets)),
        offsets,
        volumes);
    if (score == Score.MASS) {
      add("over-131072-tokens", tau(0.9), masses(random("long"), 132_000));
    }
  }

  private void random(int index) {
    String name = "random-" + index;
    Random r = random(name);
    long[] offsets = Ragged.random(r, 7, index % 10 == 0 ? 3000 : 90);
    float[] scores = masses(r, Ragged.rows(offsets));
    float[] odd = {
      Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -0f, 0f, 1e-39f, -1
    };
    if (index % 3 == 0) {
      for (int i = 0; i < scores.length; i++) {
        scores[i] = r.nextInt(25) == 0 ? odd[r.nextInt(odd.length)] : scores[i];
      }
    }
    int segments = offsets.length - 1;
    int cut = r.nextInt(segments + 1);
    long[] volumes = r.nextBoolean() ? null : new long[] {0, cut, cut, segments};
    add(name, params(r), scores, offsets, volumes);
  }

  private Params params(Random r) {
    double[] taus = {0.1, 0.5, 0.9, 0.95, 0.999, 1};
    double[] temperatures = {0.5, 1, 2, 20};
    Params p =
        tau(
            r.nextBoolean() ? taus[r.nextInt(taus.length)] : 1 - r.nextDouble(),
            temperatures[r.nextInt(temperatures.length)]);
    if (r.nextInt(3) == 0) {
      long min = r.nextInt(12);
      p = p.withTokens(min, r.nextBoolean() ? 0 : min + r.nextInt(30));
    }
    if (r.nextInt(3) == 0) {
      long min = r.nextInt(60);
      p = p.withVolumeTokens(min, r.nextBoolean() ? 0 : min + r.nextInt(90));
    }
    return p;
  }

  /** Masses with mean about 1 as attention gives them: spread, tied, with sinks. */
  static float[] masses(Random random, int n) {
    float[] v = new float[n];
    int kind = random.nextInt(4);
    for (int i = 0; i < n; i++) {
      float x = (float) StrictMath.exp(random.nextGaussian() * 0.7);
      v[i] =
          switch (kind) {
            case 0 -> x;
            case 1 -> LowPrecision.bf16ToFloat(LowPrecision.floatToBf16(x));
            case 2 -> random.nextInt(4) * 0.5f;
            default -> random.nextInt(100) == 0 ? 300 * x : x;
          };
    }
    return v;
  }
}
