package org.medpruner;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.medpruner.OpCases.Argument;
import org.medpruner.OpCases.OpCase;

/** Ownership: copies, closing, use after close, closing during calls. */
class NativeBufferTest {

  private static NativeBuffer buffer(long bytes) {
    return NativeBuffer.allocate(Device.CPU, bytes);
  }

  private static String message(Throwable t) {
    return String.valueOf(t.getMessage());
  }

  @Test
  void everyArrayTypeIsCopiedInAndOut() {
    try (NativeBuffer b = buffer(64)) {
      assertEquals(0, b.view(DType.U8, 64).address() % 64);
      b.copyFrom(new byte[] {1, -2});
      byte[] bytes = new byte[2];
      b.copyTo(bytes);
      assertArrayEquals(new byte[] {1, -2}, bytes);
      b.copyFrom(new short[] {3, -4});
      short[] shorts = new short[2];
      b.copyTo(shorts);
      assertArrayEquals(new short[] {3, -4}, shorts);
      b.copyFrom(new int[] {5, -6});
      int[] ints = new int[2];
      b.copyTo(ints);
      assertArrayEquals(new int[] {5, -6}, ints);
      b.copyFrom(new long[] {7, -8});
      long[] longs = new long[2];
      b.copyTo(longs);
      assertArrayEquals(new long[] {7, -8}, longs);
      b.copyFrom(new float[] {1.5f, -0f});
      float[] floats = new float[2];
      b.copyTo(floats);
      assertArrayEquals(new float[] {1.5f, -0f}, floats);
      b.copyFrom(new double[] {2.5, -1});
      double[] doubles = new double[2];
      b.copyTo(doubles);
      assertArrayEquals(new double[] {2.5, -1}, doubles);
      assertEquals(2.5, b.asSegment().get(java.lang.foreign.ValueLayout.JAVA_DOUBLE, 0));
    }
  }

  @Test
  void nothingOutsideTheBufferIsReachable() {
    try (NativeBuffer b = buffer(10)) {
      assertThrows(IllegalArgumentException.class, () -> b.copyFrom(new byte[11]));
      assertThrows(IllegalArgumentException.class, () -> b.copyTo(new byte[11]));
      assertThrows(IllegalArgumentException.class, () -> b.view(DType.U8, 11));
      assertThrows(IllegalArgumentException.class, () -> b.viewAt(4, DType.F32, 2));
      assertThrows(IllegalArgumentException.class, () -> b.viewAt(-1, DType.U8, 2));
      assertThrows(IllegalArgumentException.class, () -> b.viewAt(Long.MAX_VALUE, DType.U8, 2));
      assertThrows(
          IllegalArgumentException.class,
          () -> b.copyFrom(MemorySegment.ofArray(new byte[1]), Long.MIN_VALUE));
      assertEquals(3, b.offsetOf(b.viewAt(3, DType.U8, 2)));
      TensorView foreign = TensorView.of(64, DType.U8, new long[] {1}, Device.CPU);
      assertThrows(IllegalArgumentException.class, () -> b.offsetOf(foreign));
      assertThrows(IndexOutOfBoundsException.class, () -> b.asSegment().get(JAVA_BYTE, 10));
      assertThrows(
          IllegalArgumentException.class,
          () -> b.copyTo(MemorySegment.ofArray(new byte[1]).asReadOnly(), 0));
    }
    assertThrows(IllegalArgumentException.class, () -> buffer(-1));
    assertThrows(
        IllegalArgumentException.class,
        () -> NativeBuffer.allocate(Device.CPU, DType.F64, Long.MAX_VALUE));
    assertThrows(MedPrunerOutOfMemoryException.class, () -> buffer(Long.MAX_VALUE / 2));
    try (NativeBuffer none = buffer(0)) {
      assertEquals(0, none.view(DType.F32, 0).elements());
    }
  }

  @Test
  void useAfterCloseNamesTheBuffer() {
    NativeBuffer b = buffer(48);
    b.close();
    b.close();
    assertTrue(b.isClosed());
    List<Runnable> uses =
        List.of(
            () -> b.view(DType.U8, 1),
            b::asSegment,
            () -> b.copyFrom(new byte[1]),
            () -> b.copyTo(new byte[1]));
    for (Runnable use : uses) {
      IllegalStateException e = assertThrows(IllegalStateException.class, use::run);
      assertTrue(message(e).startsWith("NativeBuffer of 48 bytes on cpu is closed"), message(e));
      assertNull(e.getCause());
    }
  }

  @Test
  void everyTensorOfEveryOpIsCheckedForClosedBuffers() {
    try (DeviceMemory memory = new DeviceMemory(Device.CPU)) {
      for (OpCase op : OpCases.all(memory)) {
        for (int i = 0; i < op.arguments().size(); i++) {
          Argument a = op.arguments().get(i);
          TensorView valid = a.value();
          if (valid == null) {
            continue;
          }
          NativeBuffer gone = NativeBuffer.allocate(Device.CPU, valid.dtype(), valid.shape());
          TensorView stale = gone.view(valid.dtype(), valid.shape());
          gone.close();
          int index = i;
          IllegalStateException e =
              assertThrows(
                  IllegalStateException.class, () -> op.runWith(index, stale), op + "." + a.name());
          assertTrue(message(e).contains("is closed"), message(e));
        }
      }
    }
  }

  @Test
  void segmentsOfClosedOrForeignArenasAreRefused() {
    try (DeviceMemory memory = new DeviceMemory(Device.CPU)) {
      OpCase op = OpCases.all(memory).get(0);
      int slices = op.indexOf("slices");
      TensorView view;
      try (Arena arena = Arena.ofConfined()) {
        TensorView open = TensorView.of(arena.allocate(12 * 16, 16), DType.F32, 12, 4);
        op.runWith(slices, open);
        Throwable foreign =
            CompletableFuture.supplyAsync(
                    () -> assertThrows(IllegalStateException.class, () -> op.runWith(slices, open)))
                .join();
        assertTrue(message(foreign).contains("another thread"), message(foreign));
        view = open;
      }
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> op.runWith(slices, view));
      assertTrue(message(e).startsWith("slices:"), message(e));
    }
  }

  @Test
  void trackedResourcesShowWhereTheyWereClosed() {
    System.setProperty("medpruner.trackResources", "true");
    try {
      NativeBuffer b = buffer(8);
      b.close();
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> b.view(DType.U8, 1));
      Throwable closedAt = e.getCause();
      assertNotNull(closedAt);
      assertTrue(
          List.of(closedAt.getStackTrace()).stream()
              .anyMatch(f -> f.getMethodName().equals("trackedResourcesShowWhereTheyWereClosed")));
    } finally {
      System.clearProperty("medpruner.trackResources");
    }
  }

  /** A segment handed out outlives close: reading it is stale, not a crash. */
  @Test
  void aStaleSegmentIsStillMemory() {
    NativeBuffer b = buffer(1 << 20);
    MemorySegment s = b.asSegment();
    assertSame(s, b.asSegment());
    s.set(JAVA_INT, 0, 42);
    b.close();
    assertEquals(42, s.get(JAVA_INT, 0));
    s.fill((byte) 1);
  }

  @Test
  void closingDuringCallsIsSafe() throws InterruptedException {
    for (int round = 0; round < 20; round++) {
      int n = 50_000;
      NativeBuffer scores = NativeBuffer.allocate(Device.CPU, DType.F32, n);
      scores.copyFrom(new float[n]);
      TensorView view = scores.view(DType.F32, n);
      AtomicInteger done = new AtomicInteger();
      AtomicBoolean refused = new AtomicBoolean();
      Thread worker =
          new Thread(
              () -> {
                try (NativeBuffer offsets = NativeBuffer.allocate(Device.CPU, DType.I64, 2);
                    NativeBuffer out = buffer(NucleusSelect.Outputs.bytes(n, 1));
                    Workspace workspace = Workspace.create(Device.CPU)) {
                  offsets.copyFrom(new long[] {0, n});
                  NucleusSelect.Outputs outputs = NucleusSelect.Outputs.in(out, n, 1);
                  while (true) {
                    NucleusSelect.run(
                        NucleusSelect.Params.mass(0.5),
                        view,
                        offsets.view(DType.I64, 2),
                        null,
                        outputs,
                        workspace,
                        Stream.DEFAULT);
                    done.incrementAndGet();
                  }
                } catch (IllegalStateException e) {
                  refused.set(true);
                }
              });
      worker.start();
      while (done.get() == 0 && worker.isAlive()) {
        Thread.onSpinWait();
      }
      scores.close();
      worker.join();
      assertTrue(refused.get());
    }
  }

  @Test
  void everyPlatformThreadReadsItsOwnErrorText() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      everyTaskReadsItsOwnErrorText(threads);
    }
  }

  /** The error text belongs to the OS thread; virtual threads share those, and change them. */
  @Test
  void everyVirtualThreadReadsItsOwnErrorText() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      everyTaskReadsItsOwnErrorText(threads);
    }
  }

  /** Each task asks for rows of its own that are not there, and lets others run in between. */
  private static void everyTaskReadsItsOwnErrorText(ExecutorService threads) throws Exception {
    int rounds = 10;
    List<Future<?>> tasks = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      int first = 1000 + i * rounds;
      tasks.add(
          threads.submit(
              () -> {
                for (int row = first; row < first + rounds; row++) {
                  int[] indices = {row};
                  String text =
                      message(
                          assertThrows(
                              IllegalArgumentException.class,
                              () -> GatherRows.apply(new float[2], 1, indices)));
                  assertTrue(text.contains(" " + row + ","), text);
                  LockSupport.parkNanos(1);
                }
              }));
    }
    for (Future<?> task : tasks) {
      task.get();
    }
  }

  @Test
  void workspacesGrowAndClose() {
    Workspace w = Workspace.create(Device.CPU);
    assertEquals(0, w.byteSize());
    long first = w.reserve(100).address();
    assertEquals(100, w.byteSize());
    assertEquals(first, w.reserve(50).address());
    assertEquals(50, w.reserve(50).elements());
    assertEquals(5000, w.reserve(5000).elements());
    w.close();
    w.close();
    IllegalStateException e = assertThrows(IllegalStateException.class, () -> w.reserve(1));
    assertTrue(message(e).contains("Workspace on cpu is closed"));
  }

  @Test
  void streamsOfTheCpuAreTheDefaultOne() {
    Stream gone;
    try (Stream s = Stream.create(Device.CPU)) {
      assertEquals(0, s.handle());
      s.synchronize();
      use(s);
      gone = s;
    }
    gone.close();
    assertThrows(IllegalStateException.class, () -> use(gone));
    Stream.DEFAULT.close();
    Stream.DEFAULT.synchronize();
    use(Stream.DEFAULT);
    assertThrows(IllegalArgumentException.class, () -> Stream.of(Device.CPU, 1));
    assertThrows(IllegalArgumentException.class, () -> use(Stream.of(Device.cuda(0), 1)));
  }

  private static void use(Stream stream) {
    try (DeviceMemory memory = new DeviceMemory(Device.CPU)) {
      TensorView offsets = memory.input(new long[] {0, 1});
      SliceAnchor.run(
          SliceAnchor.Params.of(1),
          memory.input(new float[1], 1, 1),
          offsets,
          SliceAnchor.Outputs.in(bufferOf(memory), 1, 1),
          memory.workspace(),
          stream);
    }
  }

  private static NativeBuffer bufferOf(DeviceMemory memory) {
    Object owner = memory.output(DType.U8, SliceAnchor.Outputs.bytes(1, 1)).owner();
    return (NativeBuffer) java.util.Objects.requireNonNull(owner);
  }

  /** A segment that a closed buffer held on to would hold the memory, for as long as it does. */
  @Test
  void aClosedBufferHoldsNoSegment() throws Exception {
    Field held = NativeBuffer.class.getDeclaredField("segment");
    held.setAccessible(true);
    for (int i = 0; i < 4000; i++) {
      NativeBuffer b = buffer(4096);
      Thread reader =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      while (true) {
                        assertEquals(4096, b.asSegment().byteSize());
                      }
                    } catch (IllegalStateException e) {
                      // Closed.
                    }
                  });
      for (int spin = 0; spin < i % 400 * 20; spin++) {
        Thread.onSpinWait();
      }
      b.close();
      reader.join();
      assertNull(held.get(b), "round " + i);
    }
  }
}
