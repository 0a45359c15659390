package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.oracle.ContextualMergeOracle;

/** Contextual merging on one device against the oracle, bit for bit. */
class ContextualMergeTest {
  Device device() {
    return Device.CPU;
  }

  /** Where the merged features go, and how the rows lie. */
  private enum Layout {
    SEPARATE,
    IN_PLACE,
    STRIDED,
    ASSIGNMENT_ONLY
  }

  private static byte[] expected(
      DType dtype, byte[] features, int columns, ContextualMergeOracle.Result r) {
    ByteBuffer in = ByteBuffer.wrap(features).order(ByteOrder.nativeOrder());
    ByteBuffer out = ByteBuffer.allocate(features.length).order(ByteOrder.nativeOrder());
    if (dtype == DType.F32) {
      float[] v = new float[features.length / 4];
      in.asFloatBuffer().get(v);
      out.asFloatBuffer().put(ContextualMergeOracle.merge(v, columns, r));
    } else {
      short[] v = new short[features.length / 2];
      in.asShortBuffer().get(v);
      out.asShortBuffer()
          .put(
              dtype == DType.F16
                  ? ContextualMergeOracle.mergeF16(v, columns, r)
                  : ContextualMergeOracle.mergeBf16(v, columns, r));
    }
    return out.array();
  }

  private void check(
      double ratio,
      DType dtype,
      float[] features,
      int columns,
      float[] keys,
      int d,
      byte[] nucleus,
      long[] offsets,
      Layout layout,
      String what) {
    ContextualMerge.Params params = new ContextualMerge.Params(ratio);
    int n = nucleus.length;
    byte[] input = Values.bits(dtype, features);
    ContextualMergeOracle.Result e =
        ContextualMergeOracle.assign(params, keys, d, nucleus, offsets);
    try (DeviceMemory memory = new DeviceMemory(device())) {
      TensorView in = memory.input(input, dtype, n, columns);
      TensorView keyRows = memory.input(keys, n, d);
      TensorView merged =
          switch (layout) {
            case SEPARATE -> memory.output(dtype, n, columns);
            case IN_PLACE -> in;
            case STRIDED -> memory.strided(memory.output(dtype, n, columns), 5);
            case ASSIGNMENT_ONLY -> null;
          };
      if (layout == Layout.STRIDED) {
        in = memory.strided(in, 3);
        keyRows = memory.strided(keyRows, 1);
      }
      ContextualMerge.Outputs out =
          new ContextualMerge.Outputs(
              merged,
              memory.output(DType.U8, n),
              memory.output(DType.I64, n),
              memory.output(DType.I64, n),
              memory.output(DType.I64, offsets.length - 1),
              memory.output(DType.U32, offsets.length - 1));
      ContextualMerge.run(
          params,
          merged == null ? null : in,
          keyRows,
          memory.input(nucleus, DType.U8, n),
          memory.input(offsets),
          out,
          memory.workspace(),
          Stream.DEFAULT);
      assertArrayEquals(e.role(), memory.bytes(out.role()), what);
      assertArrayEquals(e.assignment(), memory.longs(out.assignment()), what);
      assertArrayEquals(e.keptIndices(), memory.longs(out.keptIndices()), what);
      assertArrayEquals(e.keptCounts(), memory.longs(out.keptCounts()), what);
      assertArrayEquals(e.flags(), memory.ints(out.flags()), what);
      if (merged != null) {
        assertArrayEquals(expected(dtype, input, columns, e), memory.rowBytes(merged), what);
      }
    }
  }

  private static byte[] mask(Random random, int n) {
    byte[] m = new byte[n];
    double share = random.nextInt(5) / 4.0;
    for (int i = 0; i < n; i++) {
      m[i] = (byte) (random.nextDouble() < share ? 1 + random.nextInt(255) : 0);
    }
    return m;
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F32"})
  void randomBatchesMatchTheOracle(DType dtype) {
    Random random = new Random(61 + dtype.name().hashCode());
    double[] ratios = {0, 0.05, 0.2, 0.5, 1};
    for (int round = 0; round < 80; round++) {
      long[] offsets = Ragged.random(random, 5, 120);
      int n = Ragged.rows(offsets);
      int columns = 1 + random.nextInt(40);
      int d = 1 + random.nextInt(20);
      Layout layout = Layout.values()[round % 4];
      check(
          ratios[random.nextInt(ratios.length)],
          dtype,
          Values.normal(random, n * columns),
          columns,
          Values.normal(random, n * d),
          d,
          mask(random, n),
          offsets,
          layout,
          dtype + " round " + round + " " + layout);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F32"})
  void tiesZeroKeysAndOddValuesMatchTheOracle(DType dtype) {
    Random random = new Random(71);
    float[] odd = {
      0,
      -0f,
      Float.NaN,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      3e38f,
      1e-13f,
      1e-30f,
      65504,
      70000,
      -65504,
      1e-8f
    };
    for (int round = 0; round < 120; round++) {
      long[] offsets = Ragged.random(random, 4, 60);
      int n = Ragged.rows(offsets);
      int d = 1 + random.nextInt(4);
      float[] keys = new float[n * d];
      float[] features = Values.normal(random, n * 3);
      for (int i = 0; i < keys.length; i++) {
        // Small integers: many exactly equal similarities.
        keys[i] = random.nextInt(3) - 1;
        if (random.nextInt(30) == 0) {
          keys[i] = odd[random.nextInt(odd.length)];
        }
      }
      for (int i = 0; i < features.length; i++) {
        if (random.nextInt(20) == 0) {
          features[i] = odd[random.nextInt(odd.length)];
        }
      }
      check(
          0.1,
          dtype,
          features,
          3,
          keys,
          d,
          mask(random, n),
          offsets,
          Layout.values()[round % 3],
          dtype + " round " + round);
    }
  }

  /** 0 < N < m rest tokens: all are targets; N = 0: nothing happens. The released code crashes. */
  @Test
  void fewLeftOversAreAllTargets() {
    Random random = new Random(2);
    float[] features = Values.normal(random, 256 * 2);
    float[] keys = Values.normal(random, 256 * 4);
    for (int left = 0; left <= 15; left++) {
      boolean[] nucleus = new boolean[256];
      Arrays.fill(nucleus, left, 256, true);
      ContextualMerge.Result r =
          ContextualMerge.apply(features, keys, nucleus, new ContextualMerge.Params(0.05));
      int targets = 0;
      for (byte role : r.roles()) {
        targets += role == ContextualMerge.ROLE_TARGET ? 1 : 0;
      }
      assertEquals(Math.min(left, 12), targets, left + " left over");
      if (left <= 12) {
        assertArrayEquals(features, r.merged());
      }
    }
  }

  @Test
  void aTargetGainsTheMeanOfItsMembersAndEveryTokenNamesATarget() {
    float[] keys = {1, 0, 0, 1, 2, 0, 0, 3, 1, 0.1f};
    float[] features = {1, 10, 2, 30, 4};
    // Five tokens, ratio 0.4: two targets, rows 0 and 2 with keys along x; row 2 ties with row 0.
    ContextualMerge.Result r =
        ContextualMerge.apply(features, keys, new boolean[5], new ContextualMerge.Params(0.4));
    assertArrayEquals(new byte[] {2, 0, 2, 0, 0}, r.roles());
    assertArrayEquals(new int[] {0, 0, 2, 0, 0}, r.assignment());
    assertEquals(1 + (10 + 30 + 4) / 3f, r.merged()[0]);
    assertEquals(2f, r.merged()[2]);
    assertArrayEquals(new int[] {0, 2}, r.keptIndices());
  }

  @Test
  void batchCompositionDoesNotChangeBits() {
    Random random = new Random(19);
    int[] lengths = {40, 256, 1, 80};
    long[] offsets = Ragged.offsets(lengths);
    int n = Ragged.rows(offsets);
    float[] features = Values.normal(random, n * 8);
    float[] keys = Values.normal(random, n * 6);
    byte[] nucleus = new byte[n];
    // The oracle treats segments apart by construction, so equality with it shows independence.
    check(0.05, DType.F32, features, 8, keys, 6, nucleus, offsets, Layout.SEPARATE, "together");
    for (int g = 0; g < lengths.length; g++) {
      int from = (int) offsets[g];
      int to = (int) offsets[g + 1];
      check(
          0.05,
          DType.F32,
          Arrays.copyOfRange(features, from * 8, to * 8),
          8,
          Arrays.copyOfRange(keys, from * 6, to * 6),
          6,
          new byte[to - from],
          new long[] {0, to - from},
          Layout.SEPARATE,
          "segment " + g);
    }
  }
}
