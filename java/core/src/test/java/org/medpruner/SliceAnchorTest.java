package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.oracle.SliceAnchorOracle;

/** Slice anchoring on one device against the oracle, bit for bit. */
class SliceAnchorTest {
  Device device() {
    return Device.CPU;
  }

  /** A batch in the bits of one dtype; the oracle sees what the native side sees. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Batch(DType dtype, Object values, int size, long[] offsets) {
    TensorView upload(DeviceMemory memory) {
      long[] shape = {Ragged.rows(offsets), size};
      return switch (values) {
        case byte[] b -> memory.input(b, dtype, shape);
        case short[] s -> memory.input(s, dtype, shape);
        case float[] f -> memory.input(f, shape);
        default -> throw new AssertionError();
      };
    }

    SliceAnchorOracle.Result oracle(SliceAnchor.Params params) {
      return switch (dtype) {
        case U8 -> SliceAnchorOracle.run(params, (byte[]) values, size, offsets);
        case I16 -> SliceAnchorOracle.run(params, (short[]) values, size, offsets);
        case F16 ->
            SliceAnchorOracle.run(params, LowPrecision.f16ToFloat((short[]) values), size, offsets);
        case BF16 ->
            SliceAnchorOracle.run(
                params, LowPrecision.bf16ToFloat((short[]) values), size, offsets);
        default -> SliceAnchorOracle.run(params, (float[]) values, size, offsets);
      };
    }

    static Batch of(DType dtype, float[] values, int size, long[] offsets) {
      int n = values.length;
      Object bits =
          switch (dtype) {
            case U8 -> {
              byte[] b = new byte[n];
              for (int i = 0; i < n; i++) {
                b[i] = (byte) Math.round(Math.clamp(values[i] * 127.5f + 127.5f, 0f, 255f));
              }
              yield b;
            }
            case I16, F16, BF16 -> {
              short[] s = new short[n];
              for (int i = 0; i < n; i++) {
                s[i] =
                    switch (dtype) {
                      case I16 -> (short) Math.clamp((long) (values[i] * 20000), -32768, 32767);
                      case F16 -> LowPrecision.floatToF16(values[i]);
                      default -> LowPrecision.floatToBf16(values[i]);
                    };
              }
              yield s;
            }
            default -> values;
          };
      return new Batch(dtype, bits, size, offsets);
    }
  }

  private SliceAnchorOracle.Result run(SliceAnchor.Params params, Batch batch, int gap) {
    try (DeviceMemory memory = new DeviceMemory(device())) {
      TensorView slices = batch.upload(memory);
      return run(params, memory, gap == 0 ? slices : memory.strided(slices, gap), batch.offsets);
    }
  }

  private static SliceAnchorOracle.Result run(
      SliceAnchor.Params params, DeviceMemory memory, TensorView slices, long[] offsets) {
    long d = slices.size(0);
    TensorView distance = memory.output(DType.F32, d);
    TensorView flags = memory.output(DType.U32, d);
    SliceAnchor.Outputs plain = outputs(memory, d, offsets.length - 1, distance, flags);
    TensorView patchDistance = memory.output(DType.F32, d);
    TensorView patchIndex = memory.output(DType.I32, d);
    boolean patches = params.patches() != null;
    SliceAnchor.Outputs out = patches ? with(plain, patchDistance, patchIndex) : plain;
    TensorView bounds = memory.input(offsets);
    SliceAnchor.run(params, slices, bounds, out, memory.workspace(), Stream.DEFAULT);
    SliceAnchorOracle.Result full =
        new SliceAnchorOracle.Result(
            memory.bytes(out.keep()),
            memory.floats(distance),
            memory.ints(out.representative()),
            memory.ints(out.keptIndices()),
            memory.ints(out.keptCounts()),
            memory.ints(flags),
            patches ? memory.floats(patchDistance) : new float[0],
            patches ? memory.ints(patchIndex) : new int[0]);
    // Deciding alone must come to the same, whatever the test is about.
    SliceAnchor.Outputs decided = outputs(memory, d, offsets.length - 1, null, null);
    SliceAnchor.run(
        params.withDecideOnly(), slices, bounds, decided, memory.workspace(), Stream.DEFAULT);
    assertArrayEquals(full.keep(), memory.bytes(decided.keep()));
    assertArrayEquals(full.representative(), memory.ints(decided.representative()));
    assertArrayEquals(full.keptIndices(), memory.ints(decided.keptIndices()));
    assertArrayEquals(full.keptCounts(), memory.ints(decided.keptCounts()));
    return full;
  }

  private static SliceAnchor.Outputs with(
      SliceAnchor.Outputs o, @Nullable TensorView patchDistance, @Nullable TensorView patchIndex) {
    return new SliceAnchor.Outputs(
        o.keep(),
        o.distance(),
        o.representative(),
        o.keptIndices(),
        o.keptCounts(),
        o.flags(),
        patchDistance,
        patchIndex);
  }

  private static SliceAnchor.Outputs outputs(
      DeviceMemory memory,
      long slices,
      long volumes,
      @Nullable TensorView distance,
      @Nullable TensorView flags) {
    return new SliceAnchor.Outputs(
        memory.output(DType.U8, slices),
        distance,
        memory.output(DType.I32, slices),
        memory.output(DType.I32, slices),
        memory.output(DType.I32, volumes),
        flags);
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  private static void assertSame(
      SliceAnchorOracle.Result expected, SliceAnchorOracle.Result actual, String what) {
    assertArrayEquals(expected.keep(), actual.keep(), what);
    assertArrayEquals(bits(expected.distance()), bits(actual.distance()), what);
    assertArrayEquals(expected.representative(), actual.representative(), what);
    assertArrayEquals(expected.keptIndices(), actual.keptIndices(), what);
    assertArrayEquals(expected.keptCounts(), actual.keptCounts(), what);
    assertArrayEquals(expected.flags(), actual.flags(), what);
    assertArrayEquals(bits(expected.patchDistance()), bits(actual.patchDistance()), what);
    assertArrayEquals(expected.patchIndex(), actual.patchIndex(), what);
  }

  /** Slices that drift, jump and repeat, so that every branch is met. */
  private static float[] drifting(Random random, int slices, int size) {
    float[] v = new float[slices * size];
    for (int i = 0; i < slices; i++) {
      int kind = random.nextInt(4);
      float step = kind == 0 ? 0 : kind == 1 ? 0.02f : 0.2f;
      for (int j = 0; j < size; j++) {
        float before = i == 0 || kind == 3 ? 0 : v[(i - 1) * size + j];
        v[i * size + j] = before + step * (random.nextFloat() - 0.5f) * (kind == 3 ? 8 : 2);
      }
    }
    return v;
  }

  @ParameterizedTest
  @EnumSource(names = {"U8", "I16", "F16", "BF16", "F32"})
  void randomVolumesMatchTheOracle(DType dtype) {
    Random random = new Random(11 + dtype.name().hashCode());
    int[] sizes = {1, 2, 31, 32, 33, 64, 100, 4095, 4096, 4097, 9001};
    for (int round = 0; round < 40; round++) {
      int size = sizes[round % sizes.length];
      long[] offsets = Ragged.random(random, 4, 12);
      float[] values = drifting(random, Ragged.rows(offsets), size);
      Batch batch = Batch.of(dtype, values, size, offsets);
      double unit = dtype == DType.U8 ? SliceAnchor.U8_SCALE : dtype == DType.I16 ? 1 / 2e4 : 1;
      SliceAnchor.Params params =
          new SliceAnchor.Params(random.nextFloat() * 0.15, unit, random.nextInt(3) * 2L);
      String what = dtype + " round " + round + " size " + size + " " + params;
      assertSame(batch.oracle(params), run(params, batch, round % 3), what);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F32"})
  void nonFiniteAndExtremeValuesMatchTheOracle(DType dtype) {
    Random random = new Random(23);
    float[] poison = {
      Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.MAX_VALUE, -0f, 1e-40f
    };
    for (int round = 0; round < 60; round++) {
      int size = 1 + random.nextInt(70);
      long[] offsets = Ragged.random(random, 3, 8);
      float[] values = drifting(random, Ragged.rows(offsets), size);
      for (int i = 0; i < values.length / 40 + 1 && values.length > 0; i++) {
        values[random.nextInt(values.length)] = poison[random.nextInt(poison.length)];
      }
      Batch batch = Batch.of(dtype, values, size, offsets);
      SliceAnchor.Params params = SliceAnchor.Params.of(0.05);
      assertSame(batch.oracle(params), run(params, batch, 0), dtype + " round " + round);
    }
  }

  /** Grids of every layout, with cut patches, NaN and infinities, against the oracle. */
  @ParameterizedTest
  @EnumSource(names = {"U8", "I16", "F16", "BF16", "F32"})
  void patchesMatchTheOracle(DType dtype) {
    SlicePatches[] grids = {
      SlicePatches.planar(3, 28, 42, 14, 14),
      SlicePatches.planar(2, 31, 45, 14, 14),
      SlicePatches.planar(1, 17, 19, 64, 64),
      SlicePatches.planar(5, 4, 7, 1, 1),
      SlicePatches.interleaved(30, 45, 3, 14, 14),
      SlicePatches.vectors(6, 700),
      SlicePatches.vectors(1, 1)
    };
    double unit = dtype == DType.U8 ? SliceAnchor.U8_SCALE : dtype == DType.I16 ? 1 / 2e4 : 1;
    Random random = new Random(17 + dtype.name().hashCode());
    for (int round = 0; round < 42; round++) {
      SlicePatches grid = grids[round % grids.length];
      int size = (int) grid.size();
      long[] offsets = Ragged.random(random, 3, 9);
      float[] values = drifting(random, Ragged.rows(offsets), size);
      if (round % 3 == 2 && values.length > 0) {
        values[random.nextInt(values.length)] = round % 2 == 0 ? Float.NaN : Float.MAX_VALUE;
      }
      Batch batch = Batch.of(dtype, values, size, offsets);
      SliceAnchor.Params params =
          new SliceAnchor.Params(round % 4 == 0 ? 0.05 : 10, unit, random.nextInt(3) * 2L)
              .withPatches(random.nextFloat() * 0.3, grid);
      String what = dtype + " round " + round + " " + params;
      assertSame(batch.oracle(params), run(params, batch, round % 3), what);
    }
  }

  @Test
  void aPatchKeepsWhatTheMeanCannotSee() {
    byte[] volume = new byte[3 * 64 * 64];
    Arrays.fill(volume, (byte) 100);
    for (int y = 9; y < 12; y++) {
      for (int x = 33; x < 36; x++) {
        volume[2 * 64 * 64 + y * 64 + x] = (byte) 180;
      }
    }
    SliceAnchor.Params plain = SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE);
    SliceAnchor.Params guarded = plain.withPatches(0.02, SlicePatches.planar(1, 64, 64, 8, 8));
    assertArrayEquals(new int[] {0}, SliceAnchor.apply(volume, 3, plain).keptIndices());
    SliceAnchor.Result r = SliceAnchor.apply(volume, 3, guarded);
    assertArrayEquals(new int[] {0, 2}, r.keptIndices());
    assertArrayEquals(new int[] {-1, 0, 8 + 4}, r.patchIndices());
    assertEquals((float) (9 * 80 / 127.5 / 64), r.patchDistances()[2]);
    assertEquals(0, SliceAnchor.apply(volume, 3, plain).patchDistances().length);
  }

  @Test
  void patchesThatDoNotFitAreRefused() {
    SlicePatches grid = SlicePatches.planar(1, 2, 2, 1, 1);
    SliceAnchor.Params params = SliceAnchor.Params.of(0.1).withPatches(0.2, grid);
    try (DeviceMemory memory = new DeviceMemory(device())) {
      TensorView slices = memory.input(new float[16], 4, 4);
      TensorView offsets = memory.input(new long[] {0, 4});
      TensorView distance = memory.output(DType.F32, 4);
      TensorView index = memory.output(DType.I32, 4);
      TensorView flags = memory.output(DType.U32, 4);
      SliceAnchor.Outputs out = outputs(memory, 4, 1, memory.output(DType.F32, 4), flags);
      refused("patchDistance", params, slices, offsets, memory, with(out, null, index));
      refused("patchIndex", params, slices, offsets, memory, with(out, distance, null));
      SliceAnchor.Params without = SliceAnchor.Params.of(0.1);
      refused("patchDistance", without, slices, offsets, memory, with(out, distance, null));
      refused("patchIndex", without, slices, offsets, memory, with(out, null, index));
      TensorView odd = memory.input(new float[20], 4, 5);
      refused("slices", params, odd, offsets, memory, with(out, distance, index));
    }
    assertThrows(IllegalArgumentException.class, () -> SlicePatches.planar(1, 2, 2, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> SlicePatches.planar(1, 9, 9, 257, 256));
    IllegalArgumentException wide =
        assertThrows(
            IllegalArgumentException.class,
            () -> SlicePatches.interleaved(1, Long.MAX_VALUE / 2, 3, 1, 1));
    assertTrue(String.valueOf(wide.getMessage()).startsWith("width: "), wide.getMessage());
    wide =
        assertThrows(
            IllegalArgumentException.class,
            () -> SlicePatches.interleaved(1, 1, 3, 1, Long.MAX_VALUE / 2));
    assertTrue(String.valueOf(wide.getMessage()).startsWith("patchWidth: "), wide.getMessage());
    assertThrows(
        IllegalArgumentException.class,
        () -> SliceAnchor.Params.of(0.1).withPatches(Double.NaN, grid));
    assertThrows(
        IllegalArgumentException.class, () -> new SliceAnchor.Params(0.1, 1, 0, false, 0.2, null));
  }

  @Test
  void largestDifferencesOfIntegersDoNotOverflow() {
    int size = 70_000;
    byte[] bytes = new byte[2 * size];
    Arrays.fill(bytes, size, 2 * size, (byte) 255);
    short[] shorts = new short[2 * size];
    Arrays.fill(shorts, 0, size, Short.MIN_VALUE);
    Arrays.fill(shorts, size, 2 * size, Short.MAX_VALUE);
    long[] offsets = {0, 2};
    assertEquals(
        255f,
        run(SliceAnchor.Params.of(0), new Batch(DType.U8, bytes, size, offsets), 0).distance()[1]);
    assertEquals(
        65535f,
        run(SliceAnchor.Params.of(0), new Batch(DType.I16, shorts, size, offsets), 0)
            .distance()[1]);
  }

  @Test
  void equalityDropsAndTheGapKeeps() {
    float[] values = {0, 0.25f, 0.5f, 0.5f, 0.5f, 0.5f};
    Batch batch = new Batch(DType.F32, values, 1, new long[] {0, 6});
    assertArrayEquals(
        new byte[] {1, 0, 1, 0, 0, 0}, run(SliceAnchor.Params.of(0.25), batch, 0).keep());
    assertArrayEquals(
        new int[] {0, 0, 2, 2, 2, 2}, run(SliceAnchor.Params.of(0.25), batch, 0).representative());
    assertArrayEquals(
        new byte[] {1, 0, 1, 0, 1, 0},
        run(SliceAnchor.Params.of(0.25).withMaxGap(2), batch, 0).keep());
    assertArrayEquals(
        new byte[] {1, 1, 1, 1, 1, 1}, run(SliceAnchor.Params.of(-1), batch, 0).keep());
    assertArrayEquals(
        new byte[] {1, 0, 0, 0, 0, 0},
        run(SliceAnchor.Params.of(Double.POSITIVE_INFINITY), batch, 0).keep());
  }

  @Test
  void decidingAloneTakesNoDistanceAndNoFlags() {
    try (DeviceMemory memory = new DeviceMemory(device())) {
      TensorView slices = memory.input(new float[8], 4, 2);
      TensorView offsets = memory.input(new long[] {0, 4});
      TensorView distance = memory.output(DType.F32, 4);
      TensorView flags = memory.output(DType.U32, 4);
      SliceAnchor.Params params = SliceAnchor.Params.of(0.1);
      refused("distance", params.withDecideOnly(), slices, offsets, memory, distance, null);
      refused("flags", params.withDecideOnly(), slices, offsets, memory, null, flags);
      refused("distance", params, slices, offsets, memory, null, flags);
      refused("flags", params, slices, offsets, memory, distance, null);
    }
    try (NativeBuffer buffer = NativeBuffer.allocate(Device.CPU, SliceAnchor.Outputs.bytes(4, 1))) {
      SliceAnchor.Outputs in = SliceAnchor.Outputs.decisionsIn(buffer, 4, 1);
      assertNull(in.distance());
      assertNull(in.flags());
    }
  }

  private static void refused(
      String name,
      SliceAnchor.Params params,
      TensorView slices,
      TensorView offsets,
      DeviceMemory memory,
      @Nullable TensorView distance,
      @Nullable TensorView flags) {
    refused(name, params, slices, offsets, memory, outputs(memory, 4, 1, distance, flags));
  }

  private static void refused(
      String name,
      SliceAnchor.Params params,
      TensorView slices,
      TensorView offsets,
      DeviceMemory memory,
      SliceAnchor.Outputs out) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                SliceAnchor.run(params, slices, offsets, out, memory.workspace(), Stream.DEFAULT));
    assertTrue(String.valueOf(e.getMessage()).startsWith(name + ": "), e.getMessage());
  }

  @Test
  void volumesOfEveryLengthMatchOnAnyNumberOfThreads() {
    Random random = new Random(31);
    long[] offsets = Ragged.offsets(1, 2, 3, 5, 9);
    int size = 60_001; // more than one thread is given
    for (DType dtype : new DType[] {DType.U8, DType.I16, DType.F16, DType.BF16, DType.F32}) {
      double unit = dtype == DType.U8 ? SliceAnchor.U8_SCALE : dtype == DType.I16 ? 1 / 2e4 : 1;
      SliceAnchor.Params params = new SliceAnchor.Params(0.05, unit, 5);
      float[] values = drifting(random, Ragged.rows(offsets), size);
      Batch batch = Batch.of(dtype, values, size, offsets);
      SliceAnchorOracle.Result expected = batch.oracle(params);
      try {
        for (int threads : new int[] {1, 2, 7}) {
          MedPruner.setCpuThreads(threads);
          assertSame(expected, run(params, batch, 1), dtype + " on " + threads + " threads");
        }
      } finally {
        MedPruner.setCpuThreads(0);
      }
    }
  }

  @Test
  void aNanSliceIsKeptAndFlaggedAndTheNextOneToo() {
    float[] values = {0, Float.NaN, 0, 0};
    SliceAnchorOracle.Result r =
        run(SliceAnchor.Params.of(0.1), new Batch(DType.F32, values, 1, new long[] {0, 4}), 0);
    assertArrayEquals(new byte[] {1, 1, 1, 0}, r.keep());
    assertArrayEquals(
        new int[] {0, SegmentFlags.NON_FINITE, SegmentFlags.NON_FINITE, 0}, r.flags());
  }

  @Test
  void batchCompositionDoesNotChangeBits() {
    Random random = new Random(5);
    int size = 5000;
    int volumes = 5;
    int depth = 6;
    float[] values = drifting(random, volumes * depth, size);
    SliceAnchor.Params params = SliceAnchor.Params.of(0.06);
    SliceAnchorOracle.Result together =
        run(params, new Batch(DType.F32, values, size, Ragged.offsets(6, 6, 6, 6, 6)), 0);
    for (int v = 0; v < volumes; v++) {
      float[] one = Arrays.copyOfRange(values, v * depth * size, (v + 1) * depth * size);
      SliceAnchorOracle.Result alone =
          run(params, new Batch(DType.F32, one, size, new long[] {0, depth}), 0);
      assertArrayEquals(
          bits(alone.distance()),
          bits(Arrays.copyOfRange(together.distance(), v * depth, (v + 1) * depth)));
      assertArrayEquals(
          alone.keep(), Arrays.copyOfRange(together.keep(), v * depth, (v + 1) * depth));
    }
  }

  @Test
  void anInputMayRunBackwardsThroughMemory() {
    float[] values = drifting(new Random(9), 6, 40);
    float[] reversed = new float[values.length];
    for (int i = 0; i < 6; i++) {
      System.arraycopy(values, i * 40, reversed, (5 - i) * 40, 40);
    }
    SliceAnchor.Params params = SliceAnchor.Params.of(0.05);
    try (DeviceMemory memory = new DeviceMemory(device())) {
      TensorView stored = memory.input(reversed, 6, 40);
      TensorView view =
          TensorView.strided(
                  stored.address() + 5L * 40 * 4,
                  DType.F32,
                  new long[] {6, 40},
                  new long[] {-40, 1},
                  device())
              .withOwner(stored);
      long[] offsets = {0, 6};
      assertSame(
          new Batch(DType.F32, values, 40, offsets).oracle(params),
          run(params, memory, view, offsets),
          "negative row stride");
    }
  }

  @Test
  void noSlicesAtAllIsFine() {
    SliceAnchorOracle.Result r =
        run(SliceAnchor.Params.of(0), new Batch(DType.F32, new float[0], 7, new long[] {0, 0}), 0);
    assertEquals(0, r.keep().length);
    assertArrayEquals(new int[] {0}, r.keptCounts());
    assertTrue(r.keptIndices().length == 0);
  }
}
