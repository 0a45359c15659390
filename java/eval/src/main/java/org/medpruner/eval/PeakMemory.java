package org.medpruner.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Peak resident set of this process, native memory, Java heap and mapped weights included. */
public final class PeakMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");

  private PeakMemory() {}

  /**
   * The peak since the process began, or since {@link #restart}.
   *
   * @return bytes, or -1 where the system does not tell (other than Linux)
   */
  public static long bytes() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("VmHWM:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
    } catch (IOException | NumberFormatException e) {
      return -1;
    }
    return -1;
  }

  /**
   * Lets the peak begin anew at what is resident now.
   *
   * @return false where the system does not allow it; then the peak stays the process's
   */
  public static boolean restart() {
    try {
      // proc(5): 5 resets the peak resident set and nothing else.
      Files.writeString(CLEAR, "5");
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
