package org.medpruner.vlm.engine;

import java.util.Arrays;
import org.medpruner.vlm.pruning.SliceStage;

/**
 * A volume after stage 1, with its place among all slices that are encoded together.
 *
 * @param processed its slices that are encoded
 * @param segment the first of them among all encoded slices
 * @param token the first token of that
 */
@SuppressWarnings("ArrayRecordComponent")
record AnchoredVolume(
    VolumeGroup group,
    VolumeGroup.Member member,
    SliceStage.Result slices,
    int[] processed,
    int segment,
    int token) {

  SliceGrid grid() {
    return group.pixels().grid();
  }

  int endSegment() {
    return segment + processed.length;
  }

  int endToken() {
    return Math.addExact(token, Math.multiplyExact(processed.length, grid().tokens()));
  }

  /** Those of ascending rows that are of this volume. */
  int[] own(int[] rows) {
    return Arrays.copyOfRange(rows, firstOwn(rows), at(rows, endToken()));
  }

  /** Where those begin. */
  int firstOwn(int[] rows) {
    return at(rows, token);
  }

  private static int at(int[] rows, int row) {
    int at = Arrays.binarySearch(rows, row);
    return at < 0 ? -at - 1 : at;
  }
}
