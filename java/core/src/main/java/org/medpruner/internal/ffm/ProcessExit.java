package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Leaves the process through libc's {@code _exit}, past the C library's exit handlers.
 *
 * <p>{@code exit}, which the JVM ends in, runs OpenBLAS's thread shutdown, and that deadlocks for
 * good when a LibTorch op is running: 6 of 28 SIGTERMs hung, 0 of 16 with {@code _exit}.
 * Runtime.halt takes the same path.
 */
public final class ProcessExit {
  // A clean-up that deletes partial output; leaving within five seconds matters more than finishing
  // it.
  private static final Duration SHORT = Duration.ofSeconds(3);

  // Names the JVM gives to the threads that handle these signals.
  private static final Map<String, Integer> SIGNALS =
      Map.of("SIGHUP handler", 1, "SIGINT handler", 2, "SIGTERM handler", 15);

  private static final AtomicBoolean INSTALLED = new AtomicBoolean();
  private static final AtomicReference<Cleanup> CLEANUP =
      new AtomicReference<>(new Cleanup(() -> {}, SHORT));

  private record Cleanup(Runnable action, Duration most) {}

  private ProcessExit() {}

  /**
   * Has {@code cleanup} run when the process is told to end by a signal (SIGTERM, SIGINT, SIGHUP),
   * which then ends with the signal's own status (143, 130, 129) through {@code _exit}. Other ends
   * than by signal run the clean-up too and then leave the JVM its way, and its status. Installs
   * one shutdown hook however often it is called; the last clean-up given counts. Other hooks may
   * be cut off.
   */
  public static void install(Runnable cleanup) {
    install(cleanup, SHORT);
  }

  /**
   * The same for a clean-up that has something to finish.
   *
   * @param most how long it is waited for
   */
  public static void install(Runnable cleanup, Duration most) {
    CLEANUP.set(new Cleanup(cleanup, most));
    if (INSTALLED.compareAndSet(false, true)) {
      // Bound before it is needed: a dying JVM is no place to link a method handle.
      Exit.bound();
      Runtime.getRuntime().addShutdownHook(new Thread(ProcessExit::hook, "medpruner-exit"));
    }
  }

  /**
   * Ends the process now with {@code status}: flushes standard output and error and leaves, with no
   * shutdown hook or clean-up run. For a program's normal end.
   */
  public static void exit(int status) {
    System.out.flush();
    System.err.flush();
    Exit.now(status);
  }

  private static void hook() {
    OptionalInt status = signalStatus();
    Cleanup last = CLEANUP.get();
    Thread cleanup = new Thread(last.action, "medpruner-cleanup");
    cleanup.setDaemon(true);
    cleanup.start();
    try {
      cleanup.join(last.most);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (status.isPresent()) {
      exit(status.getAsInt());
    }
  }

  /**
   * The status of the signal that ends this JVM. The JVM tells hooks nothing, but runs its own
   * handler in a thread named after the signal, which waits for the hooks.
   */
  private static OptionalInt signalStatus() {
    for (Thread t : Thread.getAllStackTraces().keySet()) {
      int signal = SIGNALS.getOrDefault(t.getName(), 0);
      if (signal != 0) {
        return OptionalInt.of(128 + signal);
      }
    }
    return OptionalInt.empty();
  }

  /** The handle, or nothing where native access is denied or libc has no _exit. */
  private static final class Exit {
    private static final @Nullable MethodHandle HANDLE = find();

    private Exit() {}

    private static @Nullable MethodHandle find() {
      try {
        Linker linker = Linker.nativeLinker();
        Optional<MemorySegment> symbol = linker.defaultLookup().find("_exit");
        return symbol.isPresent()
            ? linker.downcallHandle(symbol.get(), FunctionDescriptor.ofVoid(JAVA_INT))
            : null;
      } catch (IllegalCallerException e) {
        return null;
      }
    }

    static boolean bound() {
      return HANDLE != null;
    }

    static void now(int status) {
      MethodHandle handle = HANDLE;
      if (handle != null) {
        try {
          handle.invokeExact(status);
        } catch (Throwable t) {
          throw NativeCalls.unexpected(t);
        }
      }
      Runtime.getRuntime().halt(status);
    }
  }
}
