package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.medpruner.ContextualMerge;
import org.medpruner.DType;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;

/** Cases of {@code contextual_merge} for features of one dtype. */
final class ContextualMergeCases {
  private final DType dtype;
  private final long seed;
  private final List<TestCase<ContextualMergeInput>> all = new ArrayList<>();

  private ContextualMergeCases(DType dtype, long seed) {
    this.dtype = dtype;
    this.seed = seed;
  }

  static List<TestCase<ContextualMergeInput>> of(DType dtype, long seed, int count) {
    ContextualMergeCases cases = new ContextualMergeCases(dtype, seed);
    cases.targets();
    cases.similarities();
    cases.keysWithoutDirection();
    cases.features();
    for (int i = 0; i < count; i++) {
      cases.random(i);
    }
    cases.large();
    return cases.all;
  }

  private Random random(String name) {
    return Seeds.of(seed, Op.CONTEXTUAL_MERGE, dtype, name);
  }

  private void add(
      String name, double ratio, float[] features, float[] keys, byte[] nucleus, long... offsets) {
    int n = nucleus.length;
    int c = n == 0 ? 2 : features.length / n;
    int d = n == 0 ? 3 : keys.length / n;
    all.add(
        new TestCase<>(
            name,
            new ContextualMergeInput(
                new ContextualMerge.Params(ratio),
                HostTensor.rounded(dtype, features, n, c),
                HostTensor.of(keys, n, d),
                nucleus,
                offsets)));
  }

  /** One segment of random features and keys. */
  private void add(String name, double ratio, int columns, int d, byte[] nucleus) {
    Random r = random(name);
    int n = nucleus.length;
    add(name, ratio, normal(r, n * columns), normal(r, n * d), nucleus, 0, n);
  }

  /** A nucleus that leaves the first {@code left} tokens over. */
  private static byte[] allBut(int n, int left) {
    byte[] nucleus = new byte[n];
    Arrays.fill(nucleus, left, n, (byte) 1);
    return nucleus;
  }

  /** How many targets, and which. */
  private void targets() {
    add("nothing-left", 0.05, 5, 4, allBut(256, 0));
    for (int left : new int[] {1, 2, 11, 12, 13, 23, 24, 25, 30}) {
      add("left-over-" + left, 0.05, 5, 4, allBut(256, left)); // 12 targets are wanted
    }
    add("one-token", 0.05, 3, 2, new byte[1]);
    add("one-token-of-the-nucleus", 0.05, 3, 2, new byte[] {1});
    add("nineteen-tokens", 0.05, 3, 4, new byte[19]);
    add("twenty-tokens", 0.05, 3, 4, new byte[20]);
    add("ratio-zero", 0, 3, 4, new byte[30]);
    add("ratio-one", 1, 3, 4, allBut(30, 20));
    // The f64 products are 28.999999999999996, 7.000000000000001 and 56.99999999999999.
    add("ratio-product-below", 0.29, 2, 3, allBut(100, 80));
    add("ratio-product-above", 0.07, 2, 3, allBut(100, 80));
    add("ratio-product-below-57", 0.57, 2, 3, new byte[100]);
    // As floats these ratios are less, and so are the whole numbers of their products.
    add("ratio-no-float-7", 0.7, 2, 3, new byte[10]);
    add("ratio-no-float-9", 0.9, 2, 3, new byte[10]);
    byte[] odd = new byte[40];
    for (int i = 0; i < odd.length; i += 3) {
      odd[i] = (byte) (i % 2 == 0 ? 255 : 128);
    }
    add("nucleus-of-any-nonzero-byte", 0.2, 4, 4, odd);
    Random r = random("empty-between");
    long[] offsets = Ragged.offsets(0, 7, 0, 0, 40, 1, 0);
    add("empty-between", 0.1, normal(r, 48 * 4), normal(r, 48 * 4), mask(r, 48, 0.3), offsets);
    add("no-tokens", 0.1, new float[0], new float[0], new byte[0], 0, 0);
  }

  private void similarities() {
    // Small whole numbers: many exactly equal similarities.
    for (int i = 0; i < 4; i++) {
      Random r = random("ties-" + i);
      float[] keys = new float[60 * 2];
      for (int j = 0; j < keys.length; j++) {
        keys[j] = r.nextInt(3) - 1;
      }
      add("ties-" + i, 0.15, normal(r, 60 * 3), keys, mask(r, 60, 0.25), 0, 25, 60);
    }
    float[] same = new float[50 * 4];
    Arrays.fill(same, 0.7f);
    add("equal-keys", 0.1, normal(random("equal-keys"), 50 * 3), same, new byte[50], 0, 50);
    // Opposite keys, whose similarities are rounded to -1 and to less.
    float[] one = {0.52559924f, 0.38301834f, 0.36726034f};
    float[][] rows = {
      {-0.7889828f, -0.5749531f, -0.55129856f}, one, one,
      {-0.7664264f, -0.55851555f, -0.5355373f}, one, one
    };
    float[] beyond = new float[18];
    for (int i = 0; i < beyond.length; i++) {
      beyond[i] = rows[i / 3][i % 3];
    }
    add("ties-below-minus-one", 0.34, new float[] {1, 2, 3, 4, 5, 6}, beyond, new byte[6], 0, 6);
    // The second one's only product with a target is subnormal.
    float[] hair = {0, 0, 1, 1, 0, 0, 1e-39f, 1, 0, 0, 1, 0};
    add("subnormal-product", 0.5, new float[] {1, 2, 3, 4}, hair, new byte[4], 0, 4);
    float[] opposite = new float[30];
    Arrays.fill(opposite, -1);
    opposite[0] = 1;
    add("all-on-one-target", 0.1, normal(random("one"), 60), opposite, new byte[30], 0, 30);
    Random r = random("near-ties");
    float[] near = new float[80 * 16];
    float[] base = normal(r, 16);
    for (int i = 0; i < near.length; i++) {
      near[i] = base[i % 16] + 1e-6f * (float) r.nextGaussian();
    }
    add("near-ties", 0.2, normal(r, 80 * 3), near, new byte[80], 0, 80);
    add("long-keys", 0.1, 3, 257, new byte[60]);
    float[] scaled = normal(r, 60 * 4);
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= i / 4 % 2 == 0 ? 1e6f : 1e-6f;
    }
    add("keys-of-many-lengths", 0.2, normal(r, 60 * 3), scaled, new byte[60], 0, 60);
  }

  private void keysWithoutDirection() {
    float[] odd = {
      0, -0f, 1e-13f, 1e-12f, 9.9e-13f, 1e-30f, 3e38f, Float.NaN, Float.POSITIVE_INFINITY
    };
    for (int i = 0; i < odd.length; i++) {
      Random r = random("odd-key-" + i);
      for (int token : new int[] {0, 5}) { // a target, and one that is merged
        float[] keys = normal(r, 40 * 3);
        Arrays.fill(keys, token * 3, token * 3 + 3, 0);
        keys[token * 3] = odd[i];
        add("odd-key-" + i + "-of-" + token, 0.1, normal(r, 80), keys, new byte[40], 0, 40);
      }
    }
    float[] zeros = new float[40];
    add("zero-keys", 0.1, normal(random("zero-keys"), 80), zeros, new byte[40], 0, 40);
    // Raised by any token of the rest, also where nothing is assigned; not by the nucleus.
    byte[] few = allBut(40, 2);
    add("zero-keys-of-targets-only", 0.2, normal(random("few"), 80), zeros, few, 0, 40);
    float[] nucleusOnly = normal(random("nucleus"), 40);
    nucleusOnly[39] = 0;
    add("zero-key-of-the-nucleus", 0.2, normal(random("n2"), 80), nucleusOnly, few, 0, 40);
    float[] second = normal(random("second"), 40);
    second[30] = Float.NaN;
    add("nan-key-in-one-segment", 0.2, normal(random("s2"), 80), second, new byte[40], 0, 20, 40);
  }

  private void features() {
    float[] odd = {
      0,
      -0f,
      Float.NaN,
      Float.intBitsToFloat(0x7fc12345),
      Float.intBitsToFloat(0xffc00001),
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      3e38f,
      65504,
      70000,
      -65504,
      1e-8f,
      1e-40f
    };
    for (int i = 0; i < 6; i++) {
      Random r = random("odd-features-" + i);
      float[] v = normal(r, 60 * 3);
      for (int j = 0; j < v.length; j++) {
        v[j] = r.nextInt(12) == 0 ? odd[r.nextInt(odd.length)] : v[j];
      }
      add("odd-features-" + i, 0.1, v, normal(r, 60 * 2), mask(r, 60, 0.4), 0, 60);
    }
    for (int columns : new int[] {1, 7, 8, 9, 31, 64, 65}) {
      add("columns-" + columns, 0.1, columns, 4, new byte[50]);
    }
    // A thousand members on one target: bf16 sums stop growing long before.
    float[] ones = new float[1000];
    Arrays.fill(ones, 1);
    add("many-members", 0, ones, ones, new byte[1000], 0, 1000);
    Random r = random("many-magnitudes");
    float[] wide = normal(r, 2000);
    for (int i = 0; i < wide.length; i++) {
      wide[i] *= i % 5 == 0 ? 1000 : 0.01f;
    }
    add("many-magnitudes", 0.002, wide, normal(r, 3000), new byte[1000], 0, 1000);
    // 1 + 2^-8 and 1 + 3 * 2^-8 are halfway between two bfloat16, 1 + 2^-11 between two halves.
    float[] half = {1, 0x1p-8f, 1, 3 * 0x1p-8f, 1, 0x1p-11f, 1, 3 * 0x1p-11f};
    float[] pair = {1, 1, 1, 1, 1, 1, 1, 1};
    add("rounding-to-even", 0, half, pair, new byte[8], 0, 2, 4, 6, 8);
    // Target and member subnormal, and so what becomes of them.
    float least = dtype == DType.F16 ? 1e-6f : 1e-40f;
    float[] small = {least, 3 * least, -2 * least, 5 * least, 2 * least, -3 * least};
    add("subnormal-rows", 0, small, new float[] {1, 1}, new byte[2], 0, 2);
    add("minus-zero-rows", 0, new float[] {-0f, -0f}, new float[] {1, 1}, new byte[2], 0, 2);
  }

  /** As models have them: long segments, wide rows and keys, a batch of many slices. */
  private void large() {
    Random r = random("many-tokens");
    int[] lengths = new int[41];
    Arrays.fill(lengths, 3);
    lengths[20] = 1300; // of which 325 become targets
    long[] offsets = Ragged.offsets(lengths);
    int n = Ragged.rows(offsets);
    add("many-tokens", 0.25, normal(r, n * 2), normal(r, n * 8), new byte[n], offsets);
    add("wide-rows", 0.2, 2560, 600, new byte[20]);
    add("members-of-one-target", 0, 2, 2, new byte[1100]);
  }

  private void random(int index) {
    String name = "random-" + index;
    Random r = random(name);
    double[] ratios = {0, 0.05, 0.2, 0.5, 1};
    long[] offsets = Ragged.random(r, 5, index % 8 == 0 ? 400 : 120);
    int n = Ragged.rows(offsets);
    int columns = 1 + r.nextInt(40);
    int d = 1 + r.nextInt(20);
    add(
        name,
        ratios[r.nextInt(ratios.length)],
        normal(r, n * columns),
        normal(r, n * d),
        mask(r, n, r.nextInt(5) / 4.0),
        offsets);
  }

  static float[] normal(Random random, int n) {
    float[] v = new float[n];
    for (int i = 0; i < n; i++) {
      v[i] = (float) random.nextGaussian();
    }
    return v;
  }

  private static byte[] mask(Random random, int n, double share) {
    byte[] m = new byte[n];
    for (int i = 0; i < n; i++) {
      m[i] = (byte) (random.nextDouble() < share ? 1 + random.nextInt(255) : 0);
    }
    return m;
  }
}
