package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;

/** {@link GatherRowsTest} on the first GPU. */
@EnabledIfCuda
final class GatherRowsCudaTest extends GatherRowsTest {
  @Override
  Device device() {
    return Device.cuda(0);
  }

  @Test
  void rowsOutsideTheSourceAreZeroedAndFlagged() {
    try (DeviceMemory memory = new DeviceMemory(device())) {
      GatherRows.Outputs out =
          new GatherRows.Outputs(
              memory.output(DType.F32, 2, 1),
              memory.output(DType.I64, 2),
              memory.output(DType.U32, 1));
      GatherRows.run(
          GatherRows.Params.DEFAULT,
          memory.input(new float[] {5, 6}, 2, 1),
          memory.input(new long[] {1, 9}),
          memory.input(new long[] {2}),
          memory.input(new long[] {0, 2}),
          out,
          memory.workspace(),
          Stream.DEFAULT);
      assertArrayEquals(new float[] {6, 0}, memory.floats(out.packed()));
      assertArrayEquals(new int[] {SegmentFlags.BAD_OFFSETS}, memory.ints(out.flags()));
    }
  }
}
