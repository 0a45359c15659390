package org.medpruner.internal.ffm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;

/** Copies of host memory that is taken away or another thread's; a mistake ends this process. */
final class CopyProbe {
  // Large enough for malloc to map it by itself, so that a copy after the close has nothing there.
  private static final long BYTES = 32L << 20;
  private static final int ROUNDS = 10;

  private CopyProbe() {}

  private static void closedOrConfined(NativeBuffer buffer) throws InterruptedException {
    MemorySegment gone;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment own = arena.allocate(BYTES);
      buffer.copyFrom(own, 0);
      buffer.copyTo(own, 0);
      Thread other =
          new Thread(
              () -> {
                refused("source: its segment is confined", () -> buffer.copyFrom(own, 0));
                refused("destination: its segment is confined", () -> buffer.copyTo(own, 0));
              });
      other.start();
      other.join();
      gone = own;
    }
    refused("source: the arena of its segment is closed", () -> buffer.copyFrom(gone, 0));
    refused("destination: the arena of its segment is closed", () -> buffer.copyTo(gone, 0));
  }

  private static void refused(String message, Runnable copy) {
    try {
      copy.run();
    } catch (IllegalStateException e) {
      if (String.valueOf(e.getMessage()).startsWith(message)) {
        return;
      }
      throw e;
    }
    throw new AssertionError("not refused: " + message);
  }

  /**
   * Whoever closes a shared arena during a copy is refused, or the copy is; one that comes later is
   * in any case.
   */
  @SuppressWarnings("MustBeClosedChecker") // closed in the loop, by the call under test
  private static void closedDuringCopies(Consumer<MemorySegment> copy) throws InterruptedException {
    for (int round = 0; round < ROUNDS; round++) {
      Arena arena = Arena.ofShared();
      MemorySegment segment = arena.allocate(BYTES);
      CountDownLatch running = new CountDownLatch(1);
      Thread copier = new Thread(() -> copyUntilClosed(copy, segment, running));
      copier.start();
      running.await();
      while (!closes(arena)) {
        Thread.onSpinWait();
      }
      copier.join();
    }
  }

  private static void copyUntilClosed(
      Consumer<MemorySegment> copy, MemorySegment segment, CountDownLatch running) {
    try {
      while (true) {
        copy.accept(segment);
        running.countDown();
      }
    } catch (IllegalStateException e) {
      if (!String.valueOf(e.getMessage()).contains("closed")) {
        throw e;
      }
    }
  }

  private static boolean closes(Arena arena) {
    try {
      arena.close();
      return true;
    } catch (IllegalStateException e) {
      return false; // a copy holds it
    }
  }

  /** The argument is "cpu", or "cuda" for device 0. */
  public static void main(String[] arguments) throws InterruptedException {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, e) -> {
          e.printStackTrace();
          Runtime.getRuntime().halt(3);
        });
    Device device = arguments[0].equals("cuda") ? Device.cuda(0) : Device.CPU;
    try (NativeBuffer buffer = NativeBuffer.allocate(device, BYTES)) {
      closedOrConfined(buffer);
      closedDuringCopies(s -> buffer.copyFrom(s, 0));
      closedDuringCopies(s -> buffer.copyTo(s, 0));
    }
    System.out.println("alive");
  }
}
