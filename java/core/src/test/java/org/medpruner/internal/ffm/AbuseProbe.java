package org.medpruner.internal.ffm;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.NucleusSelect;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;

/** What takes memory away from under calls of other threads; a mistake would end this process. */
final class AbuseProbe {
  private static final int TOKENS = 20_000;
  private static final int CALLERS = 3;

  private AbuseProbe() {}

  /** Calls until something it uses is closed; returns how often it could. */
  private static int callUntilRefused(NativeBuffer scores, Workspace workspace, Runnable called) {
    int calls = 0;
    try (NativeBuffer offsets = NativeBuffer.allocate(Device.CPU, DType.I64, 2);
        NativeBuffer out =
            NativeBuffer.allocate(Device.CPU, NucleusSelect.Outputs.bytes(TOKENS, 1))) {
      offsets.copyFrom(new long[] {0, TOKENS});
      TensorView bounds = offsets.view(DType.I64, 2);
      NucleusSelect.Outputs outputs = NucleusSelect.Outputs.in(out, TOKENS, 1);
      NucleusSelect.Params params = NucleusSelect.Params.mass(0.5);
      while (true) {
        TensorView view = scores.view(DType.F32, TOKENS);
        NucleusSelect.run(params, view, bounds, null, outputs, workspace, Stream.DEFAULT);
        calls++;
        called.run();
      }
    } catch (IllegalStateException e) {
      if (!String.valueOf(e.getMessage()).contains("is closed")) {
        throw e;
      }
      return calls;
    }
  }

  private static NativeBuffer scores() {
    NativeBuffer scores = NativeBuffer.allocate(Device.CPU, DType.F32, TOKENS);
    scores.copyFrom(new float[TOKENS]);
    return scores;
  }

  /** The scratch of a running call is replaced by a larger one, again and again, then closed. */
  private static void workspaceGrowsUnderACall() throws InterruptedException {
    for (int round = 0; round < 30; round++) {
      Workspace workspace = Workspace.create(Device.CPU);
      try (NativeBuffer scores = scores()) {
        CountDownLatch running = new CountDownLatch(1);
        Thread caller = new Thread(() -> callUntilRefused(scores, workspace, running::countDown));
        caller.start();
        running.await();
        for (long bytes = 1 << 20; bytes < 1 << 24; bytes *= 2) {
          workspace.reserve(bytes);
        }
        workspace.close();
        caller.join();
      }
    }
  }

  /** One input, closed by many threads at once while others are in calls that read it. */
  private static void everybodyCloses() throws InterruptedException {
    for (int round = 0; round < 30; round++) {
      NativeBuffer scores = scores();
      AtomicInteger refused = new AtomicInteger();
      CountDownLatch running = new CountDownLatch(CALLERS);
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        threads.add(
            new Thread(
                () -> {
                  try (Workspace workspace = Workspace.create(Device.CPU)) {
                    callUntilRefused(scores, workspace, running::countDown);
                    refused.incrementAndGet();
                  }
                }));
      }
      for (int i = 0; i < CALLERS; i++) {
        threads.add(
            new Thread(
                () -> {
                  try {
                    running.await();
                  } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                  scores.close();
                }));
      }
      threads.forEach(Thread::start);
      for (Thread t : threads) {
        t.join();
      }
      if (refused.get() != CALLERS) {
        throw new AssertionError(refused + " of " + CALLERS + " callers were refused");
      }
    }
  }

  public static void main(String[] arguments) throws InterruptedException {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, e) -> {
          e.printStackTrace();
          Runtime.getRuntime().halt(3);
        });
    workspaceGrowsUnderACall();
    everybodyCloses();
    System.out.println("alive");
  }
}
