// SPDX-License-Identifier: Apache-2.0

/** What is to be checked: stage 1 on bytes, written from the op's header in the plainest way. */
public final class MyLibrary {
  private MyLibrary() {}

  /**
   * Which slices stay, 1 for each that does.
   *
   * @param slices bytes without a sign, slice after slice
   * @param size bytes of a slice
   * @param offsets where each volume begins, and where the last one ends
   * @param maxGap at least every so-many-th slice stays; 0: any gap
   */
  public static byte[] keep(
      byte[] slices, int size, long[] offsets, double gamma, double scale, long maxGap) {
    byte[] keep = new byte[(int) offsets[offsets.length - 1]];
    for (int g = 0; g + 1 < offsets.length; g++) {
      int anchor = (int) offsets[g];
      for (int i = anchor; i < offsets[g + 1]; i++) {
        boolean first = i == offsets[g];
        boolean due = maxGap > 0 && i - anchor >= maxGap;
        // Compared as floats: a distance that rounds to gamma does not exceed it.
        if (first || due || distance(slices, size, i, anchor, scale) > (float) gamma) {
          keep[i] = 1;
          anchor = i;
        }
      }
    }
    return keep;
  }

  private static float distance(byte[] slices, int size, int a, int b, double scale) {
    long sum = 0;
    for (int j = 0; j < size; j++) {
      sum += Math.abs((slices[a * size + j] & 0xff) - (slices[b * size + j] & 0xff));
    }
    return (float) (scale * ((double) sum / size));
  }
}
