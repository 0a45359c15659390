package org.medpruner.volume;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Builds the one-line messages. */
final class Failures {
  private Failures() {}

  static VolumeException bad(Path path, String problem) {
    return bad(path, problem, null);
  }

  /** "path: problem", control characters of odd file names replaced so that it stays one line. */
  static VolumeException bad(Path path, String problem, @Nullable Throwable cause) {
    return new VolumeException(oneLine(path.toString()) + ": " + oneLine(problem), cause);
  }

  static String oneLine(String text) {
    return text.replaceAll("[\\p{Cntrl}]+", "?");
  }

  static String megabytes(long bytes) {
    return (bytes >> 20) + " MiB";
  }
}
