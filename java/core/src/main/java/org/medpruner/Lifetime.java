package org.medpruner;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Open, in use, closed: the state of something that owns native memory. Closing it while calls use
 * it refuses new uses at once and frees when the last call is done. A {@link Cleaner} frees what
 * was never closed and says so.
 */
final class Lifetime {
  private static final System.Logger LOGGER = System.getLogger("org.medpruner");
  private static final Cleaner CLEANER = Cleaner.create();
  private static final int CLOSED = Integer.MIN_VALUE;

  private final String name;
  private final Runnable free;
  private final @Nullable Throwable opened;
  // Number of uses; the sign bit is set once closed.
  private final AtomicInteger state = new AtomicInteger();
  private volatile @Nullable Throwable closed;

  private Lifetime(String name, Runnable free) {
    this.name = name;
    this.free = free;
    this.opened = tracking() ? new Throwable(name + " was created here") : null;
  }

  /**
   * Starts the life of {@code owner}.
   *
   * @param free must not refer to {@code owner}, or it would never be collected
   */
  static Lifetime of(Object owner, String name, Runnable free) {
    Lifetime lifetime = new Lifetime(name, free);
    CLEANER.register(owner, lifetime::collected);
    return lifetime;
  }

  private static boolean tracking() {
    return Boolean.getBoolean("medpruner.trackResources");
  }

  boolean isClosed() {
    return state.get() < 0;
  }

  /** Begins a use; each one is ended by {@link #release}. */
  void acquire() {
    while (true) {
      int s = state.get();
      if (s < 0) {
        throw new IllegalStateException(
            name
                + " is closed"
                + (tracking() ? "" : " (run with -Dmedpruner.trackResources=true to see where)"),
            closed);
      }
      if (state.compareAndSet(s, s + 1)) {
        return;
      }
    }
  }

  void release() {
    if (state.decrementAndGet() == CLOSED) {
      free.run();
    }
  }

  /** Idempotent. */
  void close() {
    Throwable here = tracking() ? new Throwable(name + " was closed here") : null;
    while (true) {
      int s = state.get();
      if (s < 0) {
        return;
      }
      if (here != null) {
        closed = here;
      }
      if (state.compareAndSet(s, s | CLOSED)) {
        if (s == 0) {
          free.run();
        }
        return;
      }
    }
  }

  private void collected() {
    if (!isClosed()) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          name + " was never closed; it is freed now that nothing refers to it",
          opened);
      close();
    }
  }

  @Override
  public String toString() {
    return name + (isClosed() ? " (closed)" : "");
  }
}
