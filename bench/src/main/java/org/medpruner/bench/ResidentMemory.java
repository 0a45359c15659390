package org.medpruner.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** How far the resident memory of this process rises while something runs. Linux. */
final class ResidentMemory {
  private ResidentMemory() {}

  /** Growth of the peak over what was resident before, or null where the system does not say. */
  static @Nullable Long growth(Runnable body) {
    try {
      // 5: the high-water mark falls back to what is resident now.
      Files.writeString(Path.of("/proc/self/clear_refs"), "5");
      long before = kilobytes("VmRSS");
      body.run();
      return Math.max(0, kilobytes("VmHWM") - before) * 1024;
    } catch (IOException e) {
      body.run();
      return null;
    }
  }

  private static long kilobytes(String field) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(field + ":")) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException("/proc/self/status has no " + field);
  }
}
