package org.medpruner.cli;

import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.MedPrunerException;
import org.medpruner.MedPrunerUnavailableException;
import org.medpruner.vlm.NonFiniteLogitsException;
import org.medpruner.volume.VolumeException;

/** Turns failures into one line and an exit code. */
final class Failures {
  /** Something is wrong with what the user gave. */
  static final int BAD_INPUT = 2;

  /** Something is wrong with this program. */
  static final int INTERNAL = 1;

  private Failures() {}

  static void requireArgument(boolean ok, String name, @Nullable Object value, String rule) {
    if (!ok) {
      throw new IllegalArgumentException(name + " = " + value + ", but it must be " + rule);
    }
  }

  /** Whether the user can mend it: exit code 2 instead of 1. */
  static boolean isUsers(Throwable e) {
    return e instanceof VolumeException
        || e instanceof InputException
        || e instanceof IllegalArgumentException
        || e instanceof NonFiniteLogitsException
        || e instanceof MedPrunerUnavailableException;
  }

  /** What to print, without line breaks. */
  static String message(Throwable e) {
    if (e instanceof NonFiniteLogitsException) {
      return oneLine(
          e.getMessage()
              + "; NaN or infinity in the weights, or in a 16-bit computation: try --dtype f32");
    }
    if (isUsers(e)) {
      return oneLine(e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
    }
    if (e instanceof OutOfMemoryError) {
      return "out of Java heap memory ("
          + (Runtime.getRuntime().maxMemory() >> 20)
          + " MiB); give more with MEDPRUNER_JAVA_OPTS=-Xmx8g";
    }
    // What further lines say is for whoever looks at the stack trace.
    String text =
        e instanceof MedPrunerException ? String.valueOf(e.getMessage()) : "internal error: " + e;
    return oneLine(
        text.lines().findFirst().orElse("") + "; run again with --stacktrace to see where");
  }

  static String oneLine(String text) {
    return text.strip().replaceAll("\\s*[\\r\\n]+\\s*", "; ").replaceAll("\\p{Cntrl}", "?");
  }
}
