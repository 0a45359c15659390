package org.medpruner.vlm.engine;

/**
 * When memory that calls read is freed: at once when it is closed, or after the last call that was
 * reading it then, so that no other thread, and no listener inside a call, can free it under a
 * kernel's feet. Thread-safe.
 */
final class Lifetime {
  private final String what;
  private final Runnable free;
  private int readers;
  private boolean closed;

  /**
   * Of something that is open.
   *
   * @param what its name in messages, "the encoded volume"
   * @param free called once, by the thread that closes or by the last reader
   */
  Lifetime(String what, Runnable free) {
    this.what = what;
    this.free = free;
  }

  /**
   * Begins a call that reads; {@link #end} has to follow.
   *
   * @throws IllegalStateException if it is closed
   */
  synchronized void begin() {
    check();
    readers++;
  }

  /** Ends what {@link #begin} began. */
  synchronized void end() {
    readers--;
    freeIfDone();
  }

  /** Throws if it is closed. */
  synchronized void check() {
    if (closed) {
      throw new IllegalStateException(what + " is closed");
    }
  }

  synchronized boolean isClosed() {
    return closed;
  }

  /** Lets nobody begin any more; idempotent. */
  synchronized void close() {
    if (!closed) {
      closed = true;
      freeIfDone();
    }
  }

  private void freeIfDone() {
    if (closed && readers == 0) {
      free.run();
    }
  }
}
