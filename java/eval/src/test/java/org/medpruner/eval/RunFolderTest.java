package org.medpruner.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;

/** Who may write into a run's folder. */
class RunFolderTest {
  @TempDir Path folder;

  private Path lock() {
    return folder.resolve(".lock");
  }

  /** It was opened before the run that made it took it away, and locked after that. */
  @Test
  void aLockFileThatWasRemovedLocksNothing() throws IOException {
    RandomAccessFile late;
    try (RunFolder refused = RunFolder.lock(folder)) {
      late = new RandomAccessFile(lock().toFile(), "rw");
      assertFalse(refused.begun());
    }
    assertFalse(Files.exists(lock()));
    assertFalse(RunFolder.claim(late, folder));
    RandomAccessFile now = new RandomAccessFile(lock().toFile(), "rw");
    assertTrue(RunFolder.claim(now, folder));
    now.close();
  }

  /** Of runs that come and go without beginning, one has the folder at a time. */
  @Test
  void oneRunHasTheFolder() throws Exception {
    AtomicInteger holders = new AtomicInteger();
    AtomicInteger held = new AtomicInteger();
    AtomicInteger together = new AtomicInteger();
    int threads = 4;
    try (ExecutorService all = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> runs = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        runs.add(
            all.submit(
                () -> {
                  for (int i = 0; i < 2_000; i++) {
                    try (RunFolder mine = RunFolder.lock(folder)) {
                      if (holders.incrementAndGet() > 1) {
                        together.incrementAndGet();
                      }
                      held.incrementAndGet();
                      assertFalse(mine.begun());
                      Thread.yield();
                      holders.decrementAndGet();
                    } catch (InputException e) {
                      // Another has it.
                    }
                  }
                }));
      }
      for (Future<?> run : runs) {
        run.get();
      }
    }
    assertTrue(held.get() > 0, "no run had it");
    assertEquals(0, together.get(), "runs that had it together with another");
    assertFalse(Files.exists(lock()));
  }

  @Test
  void ofARunThatDidNotBeginNothingStays() {
    Path out = folder.resolve("deep/out");
    RunFolder.lock(out).close();
    assertFalse(Files.exists(out));
    assertTrue(Files.exists(folder.resolve("deep")));
  }
}
