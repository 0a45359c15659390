package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** What of graphs does not need a GPU: who is refused, and that nothing is recorded then. */
class GraphTest {

  @Test
  void theCpuAndDefaultStreamsAreRefused() {
    boolean[] ran = new boolean[1];
    Runnable ops = () -> ran[0] = true;
    IllegalArgumentException none =
        assertThrows(IllegalArgumentException.class, () -> Stream.DEFAULT.capture(ops));
    assertTrue(String.valueOf(none.getMessage()).startsWith("stream:"), none.getMessage());
    assertThrows(IllegalArgumentException.class, () -> Stream.of(Device.cuda(0), 0).capture(ops));
    try (Stream cpu = Stream.create(Device.CPU)) {
      // Twice: the first refusal must not leave the thread recording.
      for (int i = 0; i < 2; i++) {
        MedPrunerException e = assertThrows(MedPrunerException.class, () -> cpu.capture(ops));
        assertTrue(String.valueOf(e.getMessage()).contains("no graphs"), e.getMessage());
      }
    }
    assertFalse(ran[0]);
  }

  @Test
  void aCallAfterARefusedCaptureHoldsNothing() {
    try (Stream cpu = Stream.create(Device.CPU);
        NativeBuffer buffer = NativeBuffer.allocate(Device.CPU, 16)) {
      assertThrows(MedPrunerException.class, () -> cpu.capture(() -> {}));
      Call.hold(cpu, buffer.view(DType.U8, 16)).close();
      buffer.close();
      assertThrows(IllegalStateException.class, () -> buffer.view(DType.U8, 16));
      assertEquals(16, buffer.byteSize());
    }
  }
}
