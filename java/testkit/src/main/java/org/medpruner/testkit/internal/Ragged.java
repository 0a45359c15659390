package org.medpruner.testkit.internal;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** Segment offsets. */
final class Ragged {
  /** A way to be bad that touches nothing outside. */
  static final String BEGIN_LATE = "begin after 0";

  /** Another. */
  static final String END_EARLY = "end before the rows";

  private Ragged() {}

  /** Offsets of segments of the given lengths. */
  static long[] offsets(int... lengths) {
    long[] offsets = new long[lengths.length + 1];
    for (int i = 0; i < lengths.length; i++) {
      offsets[i + 1] = offsets[i] + lengths[i];
    }
    return offsets;
  }

  /** Up to {@code most} segments of up to {@code longest} rows, empty ones among them. */
  static long[] random(Random random, int most, int longest) {
    int[] lengths = new int[1 + random.nextInt(most)];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = random.nextInt(8) == 0 ? 0 : random.nextInt(longest + 1);
    }
    return offsets(lengths);
  }

  /** Number of rows. */
  static int rows(long[] offsets) {
    return (int) offsets[offsets.length - 1];
  }

  /** Offsets that no op may take, for batches of two segments at least; the names say why. */
  static Map<String, long[]> bad(int rows) {
    Map<String, long[]> all = new LinkedHashMap<>();
    all.put("descend", new long[] {0, rows, rows - 1, rows});
    all.put(BEGIN_LATE, new long[] {1, rows, rows, rows});
    all.put(END_EARLY, new long[] {0, 1, 1, rows - 1});
    all.put("end behind the rows", new long[] {0, 1, 1, rows + 1});
    all.put("are negative", new long[] {0, -1, 1, rows});
    all.put("reach past the rows in between", new long[] {0, 1, Long.MAX_VALUE, rows});
    return all;
  }

  /** Local indices, from local rows on, of the part of a list that belongs to a segment. */
  static long[] local(long[] list, int from, int to, long base) {
    long[] part = Arrays.copyOfRange(list, from, to);
    for (int i = 0; i < part.length; i++) {
      part[i] -= part[i] < 0 ? 0 : base;
    }
    return part;
  }

  /** As the other, of ints. */
  static int[] local(int[] list, int from, int to, int base) {
    int[] part = Arrays.copyOfRange(list, from, to);
    for (int i = 0; i < part.length; i++) {
      part[i] -= part[i] < 0 ? 0 : base;
    }
    return part;
  }
}
