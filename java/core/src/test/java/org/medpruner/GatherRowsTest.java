package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.oracle.GatherRowsOracle;

/** Ragged compaction on one device against the oracle, byte for byte. */
class GatherRowsTest {
  Device device() {
    return Device.CPU;
  }

  @ParameterizedTest
  @EnumSource
  void randomBatchesMatchTheOracle(DType dtype) {
    Random random = new Random(83 + dtype.name().hashCode());
    for (int round = 0; round < 40; round++) {
      long[] offsets = Ragged.random(random, 6, 50);
      int n = Ragged.rows(offsets);
      int columns = 1 + random.nextInt(33);
      byte[] source = new byte[n * columns * dtype.byteSize()];
      random.nextBytes(source);
      long[] indices = new long[n];
      for (int i = 0; i < n; i++) {
        indices[i] = random.nextInt(n);
      }
      long[] counts = new long[offsets.length - 1];
      for (int g = 0; g < counts.length; g++) {
        counts[g] = random.nextLong(offsets[g + 1] - offsets[g] + 1);
      }
      int rowBytes = columns * dtype.byteSize();
      GatherRowsOracle.Result e = GatherRowsOracle.run(source, rowBytes, indices, counts, offsets);
      int total = e.packed().length / rowBytes;
      int spare = random.nextInt(3);
      try (DeviceMemory memory = new DeviceMemory(device())) {
        TensorView rows = memory.input(source, dtype, n, columns);
        GatherRows.Outputs out =
            new GatherRows.Outputs(
                memory.output(dtype, total + spare, columns),
                memory.output(DType.I64, offsets.length),
                memory.output(DType.U32, counts.length));
        byte[] before = memory.bytes(out.packed());
        GatherRows.run(
            GatherRows.Params.DEFAULT,
            round % 2 == 0 ? rows : memory.strided(rows, 2),
            memory.input(indices),
            memory.input(counts),
            memory.input(offsets),
            out,
            memory.workspace(),
            Stream.DEFAULT);
        byte[] packed = memory.bytes(out.packed());
        int used = total * rowBytes;
        assertArrayEquals(e.packed(), Arrays.copyOf(packed, used), "round " + round);
        assertArrayEquals(
            Arrays.copyOfRange(before, used, before.length),
            Arrays.copyOfRange(packed, used, packed.length),
            "rows past the total");
        assertArrayEquals(e.packedOffsets(), memory.longs(out.packedOffsets()));
        assertArrayEquals(new int[counts.length], memory.ints(out.flags()));
      }
    }
  }
}
