package org.medpruner.testkit.internal;

import java.util.function.Supplier;
import org.medpruner.testkit.UnsupportedCaseException;

/** What came of calling a target. */
sealed interface Attempt<O> {
  /** It answered. */
  record Answer<O>(O output) implements Attempt<O> {}

  /** It does not implement the case. */
  record Unsupported<O>(String why) implements Attempt<O> {}

  /** It threw something else. */
  record Threw<O>(Throwable what) implements Attempt<O> {
    String text() {
      String message = what.getMessage();
      String first = message == null ? "" : ": " + message.lines().findFirst().orElse("");
      return what.getClass().getSimpleName() + first;
    }

    /** Whether this looks like an accident rather than a check. */
    boolean accident() {
      return what instanceof Error
          || what instanceof IndexOutOfBoundsException
          || what instanceof NullPointerException
          || what instanceof NegativeArraySizeException
          || what instanceof ClassCastException;
    }
  }

  /** Calls; only the virtual machine's own errors, but for a stack overflow, go through. */
  static <O> Attempt<O> of(Supplier<O> call) {
    try {
      return new Answer<>(call.get());
    } catch (UnsupportedCaseException e) {
      return new Unsupported<>(String.valueOf(e.getMessage()));
    } catch (OutOfMemoryError | InternalError e) {
      throw e;
    } catch (RuntimeException | Error e) {
      return new Threw<>(e);
    }
  }
}
