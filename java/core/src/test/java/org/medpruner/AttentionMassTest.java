package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.oracle.AttentionMassOracle;
import org.medpruner.oracle.LowPrecision;

/** Attention column mass on one device against the oracle in double precision. */
class AttentionMassTest {
  /** What the header promises between backends. */
  private static final double TOLERANCE = 1e-5;

  Device device() {
    return Device.CPU;
  }

  @SuppressWarnings("ArrayRecordComponent")
  private record Output(float[] mass, float[] pooledKeys, int[] flags) {}

  /** The values the dtype can hold. */
  private static float[] rounded(DType dtype, float[] values) {
    float[] held = new float[values.length];
    for (int i = 0; i < held.length; i++) {
      held[i] =
          switch (dtype) {
            case F16 -> LowPrecision.f16ToFloat(LowPrecision.floatToF16(values[i]));
            case BF16 -> LowPrecision.bf16ToFloat(LowPrecision.floatToBf16(values[i]));
            default -> values[i];
          };
    }
    return held;
  }

  private Output run(
      AttentionMass.Params params,
      DeviceMemory memory,
      TensorView query,
      TensorView key,
      float @Nullable [] lse,
      long[] offsets) {
    long tokens = query.size(0) / params.pooling().patchesPerToken();
    AttentionMass.Outputs out =
        new AttentionMass.Outputs(
            memory.output(DType.F32, tokens),
            memory.output(DType.F32, tokens, query.size(2)),
            memory.output(DType.U32, offsets.length - 1));
    AttentionMass.run(
        params,
        query,
        key,
        lse == null ? null : memory.input(lse, query.size(1), query.size(0)),
        memory.input(offsets),
        out,
        memory.workspace(),
        Stream.DEFAULT);
    TensorView pooled = out.pooledKeys();
    return new Output(
        memory.floats(out.mass()),
        pooled == null ? new float[0] : memory.floats(pooled),
        memory.ints(out.flags()));
  }

  private Output run(
      AttentionMass.Params params,
      DType dtype,
      float[] query,
      float[] key,
      int heads,
      int d,
      long[] offsets) {
    try (DeviceMemory memory = new DeviceMemory(device())) {
      long n = Ragged.rows(offsets);
      return run(
          params,
          memory,
          memory.input(Values.bits(dtype, query), dtype, n, heads, d),
          memory.input(Values.bits(dtype, key), dtype, n, heads, d),
          null,
          offsets);
    }
  }

  private static void assertClose(double[] expected, float[] actual, String what) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], TOLERANCE * Math.max(Math.abs(expected[i]), 1e-3), what);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F32"})
  void randomBatchesMatchTheOracle(DType dtype) {
    Random random = new Random(91 + dtype.name().hashCode());
    int[] dims = {1, 3, 16, 64, 72, 80, 128};
    for (int round = 0; round < 14; round++) {
      int heads = 1 + random.nextInt(3);
      int d = dims[round % dims.length];
      long group = 1L + random.nextInt(4);
      long[] offsets = Ragged.random(random, 3, 30);
      for (int i = 0; i < offsets.length; i++) {
        offsets[i] *= group;
      }
      int n = Ragged.rows(offsets);
      float[] q = rounded(dtype, Values.normal(random, n * heads * d, 1.5));
      float[] k = rounded(dtype, Values.normal(random, n * heads * d, 1.5));
      AttentionMass.Params params =
          new AttentionMass.Params(
              new AttentionMass.Contiguous(group), random.nextBoolean() ? 0 : 0.2);
      String what = dtype + " round " + round;
      AttentionMassOracle.Result e = AttentionMassOracle.run(params, q, k, heads, d, offsets);
      Output a = run(params, dtype, q, k, heads, d, offsets);
      assertClose(e.mass(), a.mass, what);
      assertClose(e.pooledKeys(), a.pooledKeys, what);
      assertArrayEquals(e.flags(), a.flags, what);
    }
  }

  @Test
  void gridBlocksMatchTheOracle() {
    Random random = new Random(4);
    AttentionMass.Params params = AttentionMass.Params.of(new AttentionMass.Grid(8, 12, 4, 2));
    long[] offsets = {0, 96, 96, 192};
    float[] q = Values.normal(random, 192 * 2 * 8);
    float[] k = Values.normal(random, 192 * 2 * 8);
    AttentionMassOracle.Result e = AttentionMassOracle.run(params, q, k, 2, 8, offsets);
    Output a = run(params, DType.F32, q, k, 2, 8, offsets);
    assertClose(e.mass(), a.mass, "mass");
    assertClose(e.pooledKeys(), a.pooledKeys, "keys");
  }

  /** A key all queries look at: the top row of blocks gets the mass, whatever the layout. */
  @Test
  void gridPutsAPatchIntoItsBlock() {
    int patches = 16;
    float[] q = new float[patches];
    float[] k = new float[patches];
    Arrays.fill(q, 1);
    k[4 * 1 + 3] = 60; // row 1, column 3 of a 4 x 4 grid: block (0, 1) of 2 x 2 blocks
    Output a =
        run(
            new AttentionMass.Params(new AttentionMass.Grid(4, 4, 2, 2), 1),
            DType.F32,
            q,
            k,
            1,
            1,
            new long[] {0, patches});
    assertClose(new double[] {0, patches / 4.0, 0, 0}, a.mass, "blocks");
    assertEquals(15f, a.pooledKeys[1]);
  }

  @Test
  void unpooledMassSumsToThePatches() {
    Random random = new Random(6);
    for (int t : new int[] {1, 7, 64, 257, 700}) {
      float[] q = Values.normal(random, t * 2 * 16, 2);
      float[] k = Values.normal(random, t * 2 * 16, 2);
      Output a =
          run(
              AttentionMass.Params.of(new AttentionMass.Contiguous(1)),
              DType.F32,
              q,
              k,
              2,
              16,
              new long[] {0, t});
      double sum = 0;
      for (float m : a.mass) {
        sum += m;
      }
      assertEquals(t, sum, 1e-5 * t);
    }
  }

  @Test
  void logSumExpGivenOrNotGivesTheSame() {
    Random random = new Random(14);
    int t = 150;
    int heads = 2;
    int d = 24;
    float[] q = Values.normal(random, t * heads * d);
    float[] k = Values.normal(random, t * heads * d);
    float[] lse = new float[heads * t];
    for (int h = 0; h < heads; h++) {
      for (int i = 0; i < t; i++) {
        double sum = 0;
        for (int j = 0; j < t; j++) {
          double dot = 0;
          for (int c = 0; c < d; c++) {
            dot += (double) q[(i * heads + h) * d + c] * k[(j * heads + h) * d + c];
          }
          sum += Math.exp(dot / Math.sqrt(d));
        }
        lse[h * t + i] = (float) Math.log(sum);
      }
    }
    AttentionMass.Params params = AttentionMass.Params.of(new AttentionMass.Contiguous(2));
    long[] offsets = {0, t};
    AttentionMassOracle.Result e = AttentionMassOracle.run(params, q, k, heads, d, offsets);
    try (DeviceMemory memory = new DeviceMemory(device())) {
      Output a =
          run(
              params,
              memory,
              memory.input(q, t, heads, d),
              memory.input(k, t, heads, d),
              lse,
              offsets);
      assertClose(e.mass(), a.mass, "with lse");
    }
  }

  /** Q and K as they lie in one packed [N, 3, H, d] projection, and as [H, N, d]. */
  @Test
  void anyStridesOfPatchesAndHeadsWork() {
    Random random = new Random(15);
    int t = 60;
    int heads = 3;
    int d = 8;
    float[] packed = Values.normal(random, t * 3 * heads * d);
    float[] q = new float[t * heads * d];
    float[] k = new float[t * heads * d];
    float[] headMajor = new float[t * heads * d];
    for (int i = 0; i < t; i++) {
      for (int h = 0; h < heads; h++) {
        for (int c = 0; c < d; c++) {
          q[(i * heads + h) * d + c] = packed[((i * 3) * heads + h) * d + c];
          k[(i * heads + h) * d + c] = packed[((i * 3 + 1) * heads + h) * d + c];
          headMajor[(h * t + i) * d + c] = k[(i * heads + h) * d + c];
        }
      }
    }
    AttentionMass.Params params = AttentionMass.Params.of(new AttentionMass.Contiguous(1));
    long[] offsets = {0, t};
    float[] expected = run(params, DType.F32, q, k, heads, d, offsets).mass;
    try (DeviceMemory memory = new DeviceMemory(device())) {
      TensorView all = memory.input(packed, t, 3, heads, d);
      TensorView keys = memory.input(headMajor, heads, t, d);
      long[] shape = {t, heads, d};
      long row = 3L * heads * d;
      TensorView query =
          TensorView.strided(all.address(), DType.F32, shape, new long[] {row, d, 1}, device())
              .withOwner(all);
      TensorView key =
          TensorView.strided(
                  keys.address(), DType.F32, shape, new long[] {d, (long) t * d, 1}, device())
              .withOwner(keys);
      assertArrayEquals(expected, run(params, memory, query, key, null, offsets).mass);
    }
  }

  @Test
  void runsAreBitStableAndIndependentOfTheBatch() {
    Random random = new Random(16);
    int heads = 2;
    int d = 16;
    float[] q = Values.normal(random, 300 * heads * d);
    float[] k = Values.normal(random, 300 * heads * d);
    AttentionMass.Params params = AttentionMass.Params.of(new AttentionMass.Contiguous(4));
    long[] offsets = {0, 100, 300};
    float[] together = run(params, DType.F32, q, k, heads, d, offsets).mass;
    assertArrayEquals(together, run(params, DType.F32, q, k, heads, d, offsets).mass);
    float[] alone =
        run(
                params,
                DType.F32,
                Arrays.copyOfRange(q, 100 * heads * d, q.length),
                Arrays.copyOfRange(k, 100 * heads * d, k.length),
                heads,
                d,
                new long[] {0, 200})
            .mass;
    assertArrayEquals(alone, Arrays.copyOfRange(together, 25, 75));
  }

  @Test
  void aNonFiniteValuePoisonsItsSegmentAlone() {
    float[] q = new float[12];
    float[] k = new float[12];
    q[5] = Float.NaN;
    k[9] = Float.POSITIVE_INFINITY;
    Output a =
        run(
            AttentionMass.Params.of(new AttentionMass.Contiguous(1)),
            DType.F32,
            q,
            k,
            1,
            1,
            new long[] {0, 4, 8, 12});
    assertArrayEquals(new int[] {0, SegmentFlags.NON_FINITE, SegmentFlags.NON_FINITE}, a.flags);
    for (int i = 0; i < 12; i++) {
      assertEquals(i >= 4, Float.isNaN(a.mass[i]), "patch " + i);
    }
  }

  /** Backends compute in float: what overflows before a small scale is lost, so it is flagged. */
  @Test
  void productsBeyondFloatAreFlaggedWhateverTheScale() {
    float[] q = {3e19f, 3e19f, 3e19f, 3e19f};
    float[] k = {1, 3e19f, 1, 1};
    long[] offsets = {0, 2, 2, 4};
    AttentionMass.Params usual = AttentionMass.Params.of(new AttentionMass.Contiguous(1));
    for (double scale : new double[] {1, 1e-38, 1e-300, 1e300}) {
      AttentionMass.Params params = usual.withScale(scale);
      Output backend = run(params, DType.F32, q, k, 1, 1, offsets);
      int second = scale > 1 ? SegmentFlags.NON_FINITE : 0;
      int[] flags = {SegmentFlags.NON_FINITE, 0, second};
      assertArrayEquals(flags, backend.flags, "scale " + scale);
      assertArrayEquals(
          flags, AttentionMassOracle.run(params, q, k, 1, 1, offsets).flags(), "scale " + scale);
    }
  }

  /** A finite log-sum-exp may be far below the logits, or above them and no float in base 2. */
  @Test
  void exponentialsAboveAWrongLogSumExpMatchTheOracle() {
    AttentionMass.Params params = new AttentionMass.Params(new AttentionMass.Contiguous(1), 1);
    float[] q = {1, 1, 1, 1, 1, 1, 1, 1};
    float[] k = {0, 0, 1, 0, 0, 0, 0, 0};
    long[] offsets = {0, 2, 4};
    for (float wrong : new float[] {-80, -88, -88.5f, -100, -1e4f, -3e38f, 1e4f, 3e38f}) {
      // Of patch 0, then of patches 0 and 1, of the second head.
      for (int rows = 1; rows <= 2; rows++) {
        float[] lse = {1, 1, 1, 1, 1, 1, 1, 1};
        Arrays.fill(lse, 4, 4 + rows, wrong);
        AttentionMassOracle.Result e = AttentionMassOracle.run(params, q, k, lse, 2, 1, offsets);
        try (DeviceMemory memory = new DeviceMemory(device())) {
          Output a =
              run(params, memory, memory.input(q, 4, 2, 1), memory.input(k, 4, 2, 1), lse, offsets);
          String what = rows + " of " + wrong;
          assertArrayEquals(e.flags(), a.flags, what);
          int first = e.flags()[0] == 0 ? 0 : 2; // a flagged segment's masses are NaN
          for (int i = 0; i < first; i++) {
            assertTrue(Double.isNaN(e.mass()[i]) && Float.isNaN(a.mass[i]), what);
          }
          assertClose(
              Arrays.copyOfRange(e.mass(), first, 4), Arrays.copyOfRange(a.mass, first, 4), what);
          boolean beyond = wrong <= -100 || (wrong == -88.5f && rows == 2);
          assertArrayEquals(new int[] {beyond ? SegmentFlags.NON_FINITE : 0, 0}, a.flags, what);
        }
      }
    }
  }

  @Test
  void hostArraysWork() {
    float[] q = Values.normal(new Random(1), 4 * 6);
    AttentionMass.Result r =
        AttentionMass.apply(q, q, 2, 3, AttentionMass.Params.of(new AttentionMass.Contiguous(2)));
    assertEquals(2, r.mass().length);
    assertEquals(2, r.mass()[0] + r.mass()[1], 1e-5);
    assertEquals(6, r.pooledKeys().length);
    assertEquals(0, r.flags());
    q[0] = Float.NaN;
    assertEquals(
        SegmentFlags.NON_FINITE,
        AttentionMass.apply(q, q, 2, 3, AttentionMass.Params.of(new AttentionMass.Contiguous(2)))
            .flags());
  }
}
