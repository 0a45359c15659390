package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.PruneInput;

/** Cases of {@code prune} for features of one dtype. */
final class PruneCases {
  private static final Prune.Params PAPER =
      Prune.Params.of(NucleusSelect.Params.softmax(0.9, 2), 0.05);
  private static final Prune.Params BY_MASS = Prune.Params.of(NucleusSelect.Params.mass(0.6), 0.1);

  private final DType dtype;
  private final long seed;
  private final List<TestCase<PruneInput>> all = new ArrayList<>();

  private PruneCases(DType dtype, long seed) {
    this.dtype = dtype;
    this.seed = seed;
  }

  static List<TestCase<PruneInput>> of(DType dtype, long seed, int count) {
    PruneCases cases = new PruneCases(dtype, seed);
    cases.edges();
    for (int i = 0; i < count; i++) {
      cases.random(i);
    }
    cases.large();
    return cases.all;
  }

  private void add(
      String name,
      Prune.Params params,
      float[] mass,
      float[] keys,
      long[] offsets,
      byte @Nullable [] segments,
      long @Nullable [] volumes) {
    Random r = Seeds.of(seed, Op.PRUNE, dtype, name + " features");
    add(name, params, mass, keys, 1 + r.nextInt(20), r, offsets, segments, volumes);
  }

  private void add(
      String name,
      Prune.Params params,
      float[] mass,
      float[] keys,
      int columns,
      Random r,
      long[] offsets,
      byte @Nullable [] segments,
      long @Nullable [] volumes) {
    int n = mass.length;
    int d = n == 0 ? 3 : keys.length / n;
    all.add(
        new TestCase<>(
            name,
            new PruneInput(
                params,
                mass,
                HostTensor.of(keys, n, d),
                HostTensor.rounded(dtype, ContextualMergeCases.normal(r, n * columns), n, columns),
                offsets,
                segments,
                volumes)));
  }

  private void edges() {
    Random r = Seeds.of(seed, Op.PRUNE, dtype, "edges");
    long[] offsets = {0, 20, 20, 60, 61};
    float[] mass = NucleusSelectCases.masses(r, 61);
    float[] keys = ContextualMergeCases.normal(r, 61 * 4);
    add("paper", PAPER, mass, keys, offsets, null, null);
    add("mass", BY_MASS, mass, keys, offsets, null, null);
    add("all-dropped", BY_MASS, mass, keys, offsets, new byte[4], null);
    byte[] some = {1, 0, 0, 1};
    add("some-dropped", BY_MASS, mass, keys, offsets, some, null);
    for (int left = 1; left <= 3; left++) {
      add(
          "dropped-leave-" + left,
          BY_MASS.withDroppedTokens(left),
          mass,
          keys,
          offsets,
          some,
          null);
    }
    add(
        "dropped-leave-more-than-there-are",
        BY_MASS.withDroppedTokens(1000),
        mass,
        keys,
        offsets,
        new byte[4],
        null);
    add("segments-of-any-nonzero-byte", BY_MASS, mass, keys, offsets, bytes(7, 0, -1, 0), null);
    Prune.Params whole = Prune.Params.of(NucleusSelect.Params.mass(1), 0.05);
    add("everything-selected", whole, mass, keys, offsets, null, null);
    add(
        "ratio-zero",
        Prune.Params.of(NucleusSelect.Params.mass(.3), 0),
        mass,
        keys,
        offsets,
        null,
        null);
    float[] odd = mass.clone();
    odd[3] = Float.NaN;
    odd[60] = -1;
    add("odd-masses", BY_MASS, odd, keys, offsets, null, null);
    float[] zero = keys.clone();
    Arrays.fill(zero, 20 * 4, 60 * 4, 0);
    add("flags-of-both-steps", BY_MASS, odd, zero, offsets, null, null);
    NucleusSelect.Params bounded =
        NucleusSelect.Params.softmax(0.9, 2).withTokens(2, 10).withVolumeTokens(3, 14);
    add(
        "bounds",
        new Prune.Params(bounded, BY_MASS.merge(), 0),
        mass,
        keys,
        offsets,
        null,
        new long[] {0, 1, 4});
    add("no-tokens", BY_MASS, new float[0], new float[0], new long[] {0, 0}, null, null);
  }

  private static byte[] bytes(int... values) {
    byte[] b = new byte[values.length];
    for (int i = 0; i < b.length; i++) {
      b[i] = (byte) values[i];
    }
    return b;
  }

  /** As models have them: wide rows, a batch of many slices. */
  private void large() {
    Random r = Seeds.of(seed, Op.PRUNE, dtype, "large");
    int[] lengths = new int[41];
    Arrays.fill(lengths, 4);
    long[] offsets = Ragged.offsets(lengths);
    int n = Ragged.rows(offsets);
    float[] mass = NucleusSelectCases.masses(r, n);
    float[] keys = ContextualMergeCases.normal(r, n * 3);
    add("many-segments", BY_MASS, mass, keys, 2, r, offsets, null, null);
    float[] wideMass = NucleusSelectCases.masses(r, 12);
    float[] wideKeys = ContextualMergeCases.normal(r, 12 * 3);
    add("wide-rows", BY_MASS, wideMass, wideKeys, 2560, r, new long[] {0, 12}, null, null);
  }

  private void random(int index) {
    String name = "random-" + index;
    Random r = Seeds.of(seed, Op.PRUNE, dtype, name);
    long[] offsets = Ragged.random(r, 6, 80);
    int n = Ragged.rows(offsets);
    int groups = offsets.length - 1;
    float[] mass = NucleusSelectCases.masses(r, n);
    for (int i = 0; i < n; i++) {
      mass[i] = r.nextInt(200) == 0 ? Float.NaN : mass[i];
    }
    int d = 1 + r.nextInt(12);
    float[] keys = ContextualMergeCases.normal(r, n * d);
    if (r.nextInt(3) == 0) {
      Arrays.fill(keys, 0, Math.min(keys.length, 3 * d), 0);
    }
    byte[] segments = new byte[groups];
    for (int g = 0; g < groups; g++) {
      segments[g] = (byte) r.nextInt(2);
    }
    NucleusSelect.Params nucleus =
        r.nextBoolean() ? NucleusSelect.Params.mass(0.7) : NucleusSelect.Params.softmax(0.9, 2);
    if (r.nextInt(3) == 0) {
      nucleus = nucleus.withTokens(2, 30).withVolumeTokens(5, 60);
    }
    double[] ratios = {0, 0.05, 0.3, 1};
    add(
        name,
        Prune.Params.of(nucleus, ratios[r.nextInt(4)]).withDroppedTokens(r.nextInt(4)),
        mass,
        keys,
        offsets,
        r.nextInt(3) == 0 ? null : segments,
        r.nextInt(3) == 0 ? new long[] {0, groups / 2, groups} : null);
  }
}
