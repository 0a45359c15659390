package org.medpruner.testkit.internal;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.medpruner.testkit.UnsupportedCaseException;

/** What came of calling a target. */
sealed interface Attempt<O> {
  /** It answered. */
  record Answer<O>(O output) implements Attempt<O> {}

  /** It does not implement the case. */
  record Unsupported<O>(String why) implements Attempt<O> {}

  /**
   * It threw something else, or returned nothing.
   *
   * @param accident whether this looks like an accident rather than a check
   */
  record Threw<O>(String text, boolean accident) implements Attempt<O> {
    static <O> Threw<O> of(Throwable what) {
      boolean accident =
          what instanceof Error
              || what instanceof IndexOutOfBoundsException
              || what instanceof NullPointerException
              || what instanceof NegativeArraySizeException
              || what instanceof ClassCastException;
      return new Threw<>(Attempt.text(what), accident);
    }
  }

  /** An exception in one line. */
  static String text(Throwable what) {
    String message = what.getMessage();
    String first = message == null ? "" : ": " + message.lines().findFirst().orElse("");
    return what.getClass().getSimpleName() + first;
  }

  /**
   * Calls. Nothing that a target throws ends the run: bindings throw an OutOfMemoryError for a
   * device's memory, and a downcall any Throwable.
   */
  static <O> Attempt<O> of(Supplier<@Nullable O> call) {
    try {
      @Nullable O output = call.get();
      return output == null ? new Threw<>("returned null", true) : new Answer<>(output);
    } catch (UnsupportedCaseException e) {
      return new Unsupported<>(String.valueOf(e.getMessage()));
    } catch (Throwable e) {
      return Threw.of(e);
    }
  }
}
