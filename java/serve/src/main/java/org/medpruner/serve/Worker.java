package org.medpruner.serve;

import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The one thread that uses the model. What it runs one after the other is admitted first: one
 * request is answered and so many may wait, whoever comes then is turned away. All but the tasks
 * themselves may be called from any thread.
 */
final class Worker implements AutoCloseable {
  /** Between two lines of the log while the model's step is waited for. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final int waiting;
  private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
  private final AtomicInteger admitted = new AtomicInteger();
  private final Thread thread;
  private final Log log;
  private volatile boolean closing;
  private volatile boolean ended;
  private volatile boolean running;

  /**
   * Starts the thread.
   *
   * @param waiting requests that may wait
   * @param log is told what tasks throw
   */
  Worker(int waiting, Log log) {
    this.waiting = waiting;
    this.log = log;
    this.thread = new Thread(this::work, "medpruner-worker");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Counts a request in, before its body is read, so that the memory of bodies is bounded too.
   *
   * @throws ApiError 429 if the queue is full, 503 if the server is closing
   */
  void admit() {
    if (closing) {
      throw ApiError.closing();
    }
    // Never above the bound, not even for a moment: another one would be turned away wrongly.
    int now;
    do {
      now = admitted.get();
      if (now > waiting) {
        throw ApiError.busy(waiting);
      }
    } while (!admitted.compareAndSet(now, now + 1));
  }

  /** Counts a request out, once, whatever became of it. */
  void leave() {
    admitted.decrementAndGet();
    synchronized (this) {
      notifyAll();
    }
  }

  /** Has a task run; what it throws is logged, and the next one runs. */
  void run(Runnable task) {
    tasks.add(task);
  }

  /** Requests that are in. */
  int admitted() {
    return admitted.get();
  }

  /** Most requests that may wait. */
  int capacity() {
    return waiting;
  }

  /** Whether a task runs. */
  boolean running() {
    return running;
  }

  /** Whether nobody is admitted any more. */
  boolean closing() {
    return closing;
  }

  private void work() {
    // The flag too: a task may have swallowed the interrupt.
    while (!ended) {
      try {
        Runnable task = tasks.take();
        running = true;
        task.run();
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException | Error e) {
        // Without this thread the server would answer nobody any more.
        tell(e);
      } finally {
        running = false;
      }
    }
  }

  private void tell(Throwable e) {
    try {
      log.defect(e);
    } catch (RuntimeException | Error again) {
      // A full heap, say: to go on matters more than to say so.
    }
  }

  /** Admits nobody from now on, and waits for those that are in; false if it took too long. */
  boolean drain(Duration most) {
    closing = true;
    long end = System.nanoTime() + most.toNanos();
    synchronized (this) {
      while (admitted.get() > 0) {
        long left = end - System.nanoTime();
        if (left <= 0) {
          return false;
        }
        try {
          // A leave between the look and the wait is not missed: it takes this lock to tell.
          wait(Math.max(1, left / 1_000_000));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return false;
        }
      }
    }
    return true;
  }

  /**
   * Ends the thread after the task it runs, however long that is, and though the caller is
   * interrupted: what the task uses is freed behind this.
   */
  @Override
  public void close() {
    closing = true;
    ended = true;
    thread.interrupt();
    boolean interrupted = false;
    while (true) {
      try {
        if (thread.join(PATIENCE)) {
          break;
        }
        log.line("shutdown: waits for the model's step");
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
