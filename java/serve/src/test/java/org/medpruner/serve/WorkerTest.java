package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The one thread outlives what it runs, and ends when it is told to. */
class WorkerTest {
  private final List<String> lines = new CopyOnWriteArrayList<>();

  @Test
  void aTaskThatThrowsIsNotTheLast() throws Exception {
    CountDownLatch ran = new CountDownLatch(1);
    try (Worker worker = new Worker(1, new Log(lines::add))) {
      worker.run(
          () -> {
            throw new OutOfMemoryError("again");
          });
      worker.run(
          () -> {
            throw new IllegalStateException("a defect");
          });
      worker.run(ran::countDown);
      assertTrue(ran.await(10, TimeUnit.SECONDS), "the thread is gone");
    }
    assertTrue(lines.getFirst().contains("OutOfMemoryError"), lines.toString());
  }

  @Test
  void aTaskThatSwallowsTheInterruptDoesNotKeepItOpen() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    Worker worker = new Worker(1, new Log(lines::add));
    worker.run(
        () -> {
          running.countDown();
          try {
            Thread.sleep(Duration.ofMinutes(1));
          } catch (InterruptedException e) {
            // As libraries do.
          }
        });
    running.await();
    Thread closing = Thread.ofPlatform().daemon().start(worker::close);
    assertTrue(closing.join(Duration.ofSeconds(10)), "close() waits for ever");
  }
}
