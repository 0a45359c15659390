package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Views: what they say of themselves, and the sizes they refuse. */
class TensorViewTest {
  private static final Device CPU = Device.CPU;

  private static void refused(String word, Runnable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(String.valueOf(e.getMessage()).contains(word), e.getMessage());
  }

  @Test
  void compactAndStridedViews() {
    TensorView t = TensorView.of(64, DType.F32, new long[] {2, 3, 4}, CPU);
    assertArrayEquals(new long[] {12, 4, 1}, t.strides());
    assertEquals(24, t.elements());
    assertTrue(t.isCompact());
    TensorView s =
        TensorView.strided(64, DType.F32, new long[] {2, 3}, new long[] {8, 1}, Device.cuda(1));
    assertFalse(s.isCompact());
    assertEquals("F32[2, 3] strides [8, 1] on cuda:1 at 0x40", s.toString());
    assertTrue(
        TensorView.strided(64, DType.F32, new long[] {1, 3}, new long[] {99, 1}, CPU).isCompact());
    assertTrue(TensorView.of(0, DType.U8, new long[] {0, 5}, CPU).isCompact());
  }

  @Test
  void arraysAreCopiedInAndOut() {
    long[] shape = {2, 3};
    TensorView t = TensorView.of(64, DType.U8, shape, CPU);
    shape[0] = 9;
    t.shape()[1] = 9;
    t.strides()[0] = 9;
    assertArrayEquals(new long[] {2, 3}, t.shape());
    assertArrayEquals(new long[] {3, 1}, t.strides());
  }

  @Test
  void sizesThatOverflowAreRefused() {
    refused("shape", () -> TensorView.of(64, DType.U8, new long[] {-1}, CPU));
    refused("shape", () -> TensorView.of(64, DType.U8, new long[] {Long.MAX_VALUE, 2}, CPU));
    refused("shape", () -> TensorView.of(64, DType.F64, new long[] {Long.MAX_VALUE / 4}, CPU));
    refused("address", () -> TensorView.of(64, DType.U8, new long[] {Long.MAX_VALUE}, CPU));
    refused("address", () -> TensorView.of(-64, DType.U8, new long[] {1}, CPU));
    refused("strides", () -> TensorView.strided(64, DType.U8, new long[] {2}, new long[0], CPU));
    refused(
        "strides",
        () ->
            TensorView.strided(
                64, DType.F32, new long[] {3}, new long[] {Long.MAX_VALUE / 2}, CPU));
    refused(
        "address", () -> TensorView.strided(64, DType.U8, new long[] {100}, new long[] {-1}, CPU));
    // Nothing overflows where there is nothing.
    assertEquals(
        0,
        TensorView.of(0, DType.F64, new long[] {Long.MAX_VALUE, Long.MAX_VALUE, 0}, CPU)
            .elements());
  }

  @Test
  void segmentsMustBeNativeAndLargeEnough() {
    refused("heap", () -> TensorView.of(MemorySegment.ofArray(new float[4]), DType.F32, 4));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = arena.allocate(16, 16);
      refused("16 bytes", () -> TensorView.of(s, DType.F32, 5));
      TensorView t = TensorView.of(s, DType.F32, 2, 2);
      assertEquals(s.address(), t.address());
      assertSame(s, t.owner());
      assertFalse(t.isReadOnly());
      assertTrue(TensorView.of(s.asReadOnly(), DType.U8, 3).isReadOnly());
    }
  }

  @Test
  void devicesAndTypesAreNumberedAsInDlpack() {
    assertEquals(2, Device.cuda(3).kind().code());
    assertEquals("cuda:3", Device.cuda(3).toString());
    refused("device index", () -> Device.cuda(-1));
    refused("device index", () -> new Device(Device.Kind.CPU, 1));
    assertEquals(4, DType.BF16.code());
    assertEquals(16, DType.BF16.bits());
    assertEquals(1, DType.U32.code());
    assertEquals(0, DType.I64.code());
  }
}
