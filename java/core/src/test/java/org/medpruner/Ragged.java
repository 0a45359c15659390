package org.medpruner;

import java.util.Random;

/** Random segment offsets. */
final class Ragged {
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
}
