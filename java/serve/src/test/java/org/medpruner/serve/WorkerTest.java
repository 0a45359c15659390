package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
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

  /** What a task uses is freed behind close(): the task must be over, whoever interrupts. */
  @Test
  void anInterruptDoesNotCloseItBehindATask() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    AtomicBoolean over = new AtomicBoolean();
    Worker worker = new Worker(1, new Log(lines::add));
    worker.run(
        () -> {
          running.countDown();
          while (!over.get()) {
            try {
              go.await();
              over.set(true);
            } catch (InterruptedException e) {
              // As a model in a step does.
            }
          }
        });
    running.await();
    AtomicBoolean overBefore = new AtomicBoolean();
    AtomicBoolean kept = new AtomicBoolean();
    Thread closing =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  Thread.currentThread().interrupt();
                  worker.close();
                  overBefore.set(over.get());
                  kept.set(Thread.currentThread().isInterrupted());
                });
    assertFalse(closing.join(Duration.ofSeconds(1)), "closed while the task ran");
    go.countDown();
    closing.join();
    assertTrue(overBefore.get());
    assertTrue(kept.get(), "the interrupt is lost");
  }
}
