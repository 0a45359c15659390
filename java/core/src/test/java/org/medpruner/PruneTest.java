package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.oracle.PruneOracle;

/** Stage 2 on one device against the oracles of its steps, bit for bit. */
class PruneTest {
  Device device() {
    return Device.CPU;
  }

  /** Inputs of a call but the scores. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Batch(
      DType dtype,
      byte[] features,
      int columns,
      long[] offsets,
      byte @Nullable [] segments,
      long @Nullable [] volumes) {
    int tokens() {
      return Ragged.rows(offsets);
    }

    int groups() {
      return offsets.length - 1;
    }
  }

  private static Batch batch(Random random, DType dtype, long[] offsets) {
    int n = Ragged.rows(offsets);
    int groups = offsets.length - 1;
    int columns = 1 + random.nextInt(20);
    byte[] segments = new byte[groups];
    for (int g = 0; g < groups; g++) {
      segments[g] = (byte) random.nextInt(2);
    }
    return new Batch(
        dtype,
        Values.bits(dtype, Values.normal(random, n * columns)),
        columns,
        offsets,
        random.nextInt(3) == 0 ? null : segments,
        random.nextInt(3) == 0 ? new long[] {0, groups / 2, groups} : null);
  }

  private static Prune.Params params(Random random) {
    NucleusSelect.Params nucleus =
        random.nextBoolean()
            ? NucleusSelect.Params.mass(0.7)
            : NucleusSelect.Params.softmax(0.9, 2);
    if (random.nextInt(3) == 0) {
      nucleus = nucleus.withTokens(2, 30).withVolumeTokens(5, 60);
    }
    double[] ratios = {0, 0.05, 0.3, 1};
    return Prune.Params.of(nucleus, ratios[random.nextInt(4)]).withDroppedTokens(random.nextInt(4));
  }

  private static byte[] packed(Batch b, PruneOracle.Result r) {
    ByteBuffer in = ByteBuffer.wrap(b.features).order(ByteOrder.nativeOrder());
    ByteBuffer out =
        ByteBuffer.allocate(r.packedRows().length * b.columns * b.dtype.byteSize())
            .order(ByteOrder.nativeOrder());
    if (b.dtype == DType.F32) {
      float[] v = new float[b.features.length / 4];
      in.asFloatBuffer().get(v);
      out.asFloatBuffer().put(PruneOracle.pack(v, b.columns, r));
    } else {
      short[] v = new short[b.features.length / 2];
      in.asShortBuffer().get(v);
      out.asShortBuffer()
          .put(
              b.dtype == DType.F16
                  ? PruneOracle.packF16(v, b.columns, r)
                  : PruneOracle.packBf16(v, b.columns, r));
    }
    return out.array();
  }

  private void check(
      DeviceMemory memory, Prune.Params params, Prune.Scores scores, int d, Batch b, String what) {
    int n = b.tokens();
    int capacity = n + 1;
    Prune.Outputs out =
        new Prune.Outputs(
            memory.output(b.dtype, capacity, b.columns),
            memory.output(DType.I64, capacity),
            memory.output(DType.I64, b.groups() + 1),
            memory.output(DType.U8, n),
            memory.output(DType.I64, n),
            memory.output(DType.F64, b.groups()),
            memory.output(DType.U32, b.groups()));
    byte[] before = memory.bytes(out.packed());
    Prune.run(
        params,
        scores,
        memory.strided(memory.input(b.features, b.dtype, n, b.columns), 3),
        memory.input(b.offsets),
        b.segments == null ? null : memory.input(b.segments, DType.U8, b.groups()),
        b.volumes == null ? null : memory.input(b.volumes),
        out,
        memory.workspace(),
        Stream.DEFAULT);
    PruneOracle.Result e =
        PruneOracle.select(
            params,
            memory.floats(scores.mass()),
            memory.floats(scores.pooledKeys()),
            d,
            b.offsets,
            b.segments,
            b.volumes);
    int total = e.packedRows().length;
    int used = total * b.columns * b.dtype.byteSize();
    byte[] packed = memory.bytes(out.packed());
    assertArrayEquals(packed(b, e), Arrays.copyOf(packed, used), what);
    assertArrayEquals(
        Arrays.copyOfRange(before, used, before.length),
        Arrays.copyOfRange(packed, used, packed.length),
        what + ": rows past the total");
    assertArrayEquals(e.packedRows(), Arrays.copyOf(memory.longs(out.packedRows()), total), what);
    assertArrayEquals(e.packedOffsets(), memory.longs(out.packedOffsets()), what);
    assertArrayEquals(e.merge().role(), memory.bytes(out.role()), what);
    assertArrayEquals(e.merge().assignment(), memory.longs(out.assignment()), what);
    assertArrayEquals(e.keptMass(), memory.doubles(out.keptMass()), what);
    assertArrayEquals(e.flags(), memory.ints(out.flags()), what);
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F32"})
  void givenMassesMatchTheOracle(DType dtype) {
    Random random = new Random(91 + dtype.name().hashCode());
    for (int round = 0; round < 60; round++) {
      Batch b = batch(random, dtype, Ragged.random(random, 6, 80));
      int n = b.tokens();
      int d = 1 + random.nextInt(12);
      float[] mass = Values.normal(random, n);
      for (int i = 0; i < n; i++) {
        mass[i] = random.nextInt(200) == 0 ? Float.NaN : (float) Math.exp(mass[i]);
      }
      float[] keys = Values.normal(random, n * d);
      Arrays.fill(keys, 0, Math.min(keys.length, 3 * d), 0); // keys without a direction
      try (DeviceMemory memory = new DeviceMemory(device())) {
        Prune.Scores scores = new Prune.Given(memory.input(mass, n), memory.input(keys, n, d));
        check(memory, params(random), scores, d, b, dtype + " round " + round);
      }
    }
  }

  /** The masses differ between devices; what follows from them does not. */
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F32"})
  void attendedMassesMatchTheOracle(DType dtype) {
    Random random = new Random(97 + dtype.name().hashCode());
    for (int round = 0; round < 20; round++) {
      boolean grid = round % 2 == 0;
      long[] offsets = grid ? new long[] {0, 6, 6, 12} : Ragged.random(random, 4, 20);
      Batch b = batch(random, dtype, offsets);
      AttentionMass.Pooling pooling =
          grid ? new AttentionMass.Grid(4, 6, 2, 2) : new AttentionMass.Contiguous(3);
      int n = b.tokens();
      int patches = n * (int) pooling.patchesPerToken();
      int d = 8;
      try (DeviceMemory memory = new DeviceMemory(device())) {
        byte[] query = Values.bits(dtype, Values.normal(random, patches * 2 * d));
        byte[] key = Values.bits(dtype, Values.normal(random, patches * 2 * d));
        Prune.Attended scores =
            new Prune.Attended(
                AttentionMass.Params.of(pooling),
                memory.input(query, dtype, patches, 2, d),
                memory.input(key, dtype, patches, 2, d),
                null,
                memory.output(DType.F32, n),
                memory.output(DType.F32, n, d));
        check(memory, params(random), scores, d, b, dtype + " round " + round);
      }
    }
  }

  @Test
  void aMismatchOfPatchesAndTokensIsRefused() {
    try (DeviceMemory memory = new DeviceMemory(device())) {
      Prune.Attended scores =
          new Prune.Attended(
              AttentionMass.Params.of(new AttentionMass.Contiguous(2)),
              memory.input(new float[6], 6, 1, 1),
              memory.input(new float[6], 6, 1, 1),
              null,
              memory.output(DType.F32, 4),
              memory.output(DType.F32, 4, 1));
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  Prune.workspaceBytes(
                      Prune.Params.of(NucleusSelect.Params.mass(0.9), 0.1),
                      scores,
                      memory.input(new float[4], 4, 1),
                      memory.input(new long[] {0, 4}),
                      null));
      assertTrue(String.valueOf(e.getMessage()).startsWith("query:"), e.getMessage());
    }
  }

  @Test
  void outputsInOneBufferAreThoseOfTheirOwn() {
    long bytes = Prune.Outputs.bytes(DType.BF16, 7, 5, 9, 2);
    try (NativeBuffer buffer = NativeBuffer.allocate(device(), bytes)) {
      Prune.Outputs out = Prune.Outputs.in(buffer, DType.BF16, 7, 5, 9, 2);
      assertArrayEquals(new long[] {7, 5}, out.packed().shape());
      assertEquals(7, out.packedRows().elements());
      assertEquals(3, out.packedOffsets().elements());
      assertEquals(9, out.role().elements());
    }
  }
}
