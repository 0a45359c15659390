package org.medpruner.vlm.engine;

/**
 * Rotary positions of a full, unpruned prompt. The arrays are not copied and must not be changed.
 *
 * @param axes [axes][tokens]
 * @param next position of the first generated token, on every axis
 */
@SuppressWarnings("ArrayRecordComponent")
public record PromptPositions(long[][] axes, long next) {
  /** 0 .. length-1 on each of some axes. */
  public static PromptPositions counting(int axes, int length) {
    long[] row = new long[length];
    for (int i = 0; i < length; i++) {
      row[i] = i;
    }
    long[][] all = new long[axes][];
    java.util.Arrays.fill(all, row);
    return new PromptPositions(all, length);
  }
}
