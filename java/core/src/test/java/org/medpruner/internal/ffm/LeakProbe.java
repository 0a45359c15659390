package org.medpruner.internal.ffm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.medpruner.ContextualMerge;
import org.medpruner.NucleusSelect;
import org.medpruner.SliceAnchor;

/**
 * Main class of the leak test's child: calls ops and prints how much memory it has come to hold.
 */
final class LeakProbe {
  private LeakProbe() {}

  private static long residentBytes() throws IOException {
    String[] fields = Files.readString(Path.of("/proc/self/statm")).split(" ", -1);
    return Long.parseLong(fields[1]) * 4096;
  }

  private static void calls(int count) {
    float[] values = {1, 5, 2, 3};
    boolean[] nucleus = {false, true, false, false};
    NucleusSelect.Params select = NucleusSelect.Params.softmax(0.9, 2);
    ContextualMerge.Params merge = new ContextualMerge.Params(0.5);
    for (int i = 0; i < count; i += 4) {
      SliceAnchor.apply(values, 2, 0.1);
      NucleusSelect.apply(values, select);
      ContextualMerge.apply(values, values, nucleus, merge);
      try {
        // Failing calls must not leak either: the second row does not exist.
        org.medpruner.GatherRows.apply(values, 2, new int[] {2});
        throw new AssertionError("not refused");
      } catch (IllegalArgumentException e) {
        if (e.getMessage() == null) {
          throw e;
        }
      }
    }
  }

  /** Prints resident bytes after warming up, and after 100 000 calls more. */
  public static void main(String[] arguments) throws IOException {
    calls(40_000);
    System.gc();
    long before = residentBytes();
    calls(100_000);
    System.gc();
    System.out.println(before + " " + residentBytes());
  }
}
