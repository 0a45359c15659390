package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.regex.Pattern;
import org.medpruner.MedPrunerCudaException;
import org.medpruner.MedPrunerException;
import org.medpruner.MedPrunerOutOfMemoryException;
import org.medpruner.MedPrunerUnavailableException;

/** Turns a status and the native error text into the exception it stands for. */
final class Status {
  static final int OK = 0;
  static final int INVALID_ARGUMENT = 1;
  static final int UNSUPPORTED = 2;
  static final int OUT_OF_MEMORY = 3;
  static final int BACKEND_UNAVAILABLE = 4;
  static final int CUDA = 5;
  static final int WORKSPACE_TOO_SMALL = 6;

  private static final long TEXT_CAPACITY = 1024;

  private static final Pattern C_NAME = Pattern.compile("\\b[a-z]+(_[a-z0-9]+)+\\b");
  private static final Pattern UNDERSCORE = Pattern.compile("_([a-z0-9]+)");

  private Status() {}

  /**
   * Throws unless {@code status} is OK. The text belongs to the OS thread that made the call, so
   * nothing that could move a virtual thread to another carrier may stand between the two.
   */
  static void check(int status) {
    if (status != OK) {
      throw failure(status);
    }
  }

  private static RuntimeException failure(int status) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(TEXT_CAPACITY);
      MemorySegment code = arena.allocate(JAVA_INT);
      long length = NativeCalls.lastError(text, TEXT_CAPACITY, code);
      String message = text.getString(0) + (length < TEXT_CAPACITY ? "" : "...");
      return exception(status, message, code.get(JAVA_INT, 0));
    }
  }

  /** Names of C arguments as Java's records have them: {@code keptCounts} for kept_counts. */
  private static String javaNames(String text) {
    return C_NAME
        .matcher(text)
        .replaceAll(
            name ->
                UNDERSCORE
                    .matcher(name.group())
                    .replaceAll(
                        part ->
                            switch (part.group(1)) {
                              case "h" -> "Height";
                              case "w" -> "Width";
                              default ->
                                  part.group(1).substring(0, 1).toUpperCase(Locale.ROOT)
                                      + part.group(1).substring(1);
                            }));
  }

  /** The exception of a status. */
  static RuntimeException exception(int status, String text, int cudaCode) {
    return switch (status) {
      case INVALID_ARGUMENT, WORKSPACE_TOO_SMALL -> new IllegalArgumentException(javaNames(text));
      case OUT_OF_MEMORY -> new MedPrunerOutOfMemoryException(text);
      case BACKEND_UNAVAILABLE -> new MedPrunerUnavailableException(text);
      case CUDA -> new MedPrunerCudaException(text, cudaCode);
      case UNSUPPORTED -> new MedPrunerException("not supported by this backend: " + text);
      default -> new MedPrunerException("native error " + status + ": " + text);
    };
  }
}
