package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.medpruner.vlm.pruning.SliceStage;

/** Volumes after stage 1; their encoded slices, one after the other, are stage 2's segments. */
final class AnchoredVolumes {
  private final List<AnchoredVolume> list = new ArrayList<>();

  /** The volumes. */
  List<AnchoredVolume> list() {
    return list;
  }

  /** The volumes of a group. */
  List<AnchoredVolume> of(VolumeGroup group) {
    return list.stream().filter(v -> v.group() == group).toList();
  }

  void add(
      VolumeGroup group, VolumeGroup.Member member, SliceStage.Result slices, int[] processed) {
    list.add(new AnchoredVolume(group, member, slices, processed, segments(), tokens()));
  }

  /** Encoded slices. */
  int segments() {
    return list.isEmpty() ? 0 : list.getLast().endSegment();
  }

  /** Their tokens. */
  int tokens() {
    return list.isEmpty() ? 0 : list.getLast().endToken();
  }

  /** Token at which each encoded slice begins, and their number at the end. */
  long[] offsets() {
    long[] offsets = new long[segments() + 1];
    for (AnchoredVolume v : list) {
      for (int p = 0; p <= v.processed().length; p++) {
        offsets[v.segment() + p] = v.token() + (long) p * v.grid().tokens();
      }
    }
    return offsets;
  }

  /** Encoded slice at which each volume begins, and their number at the end. */
  long[] runs() {
    long[] runs = new long[list.size() + 1];
    Arrays.setAll(runs, i -> i < list.size() ? list.get(i).segment() : segments());
    return runs;
  }

  /** Whether stage 1 kept each of the encoded slices. */
  boolean[] kept() {
    boolean[] kept = new boolean[segments()];
    for (AnchoredVolume v : list) {
      for (int p = 0; p < v.processed().length; p++) {
        kept[v.segment() + p] = v.slices().kept()[v.processed()[p]];
      }
    }
    return kept;
  }

  /**
   * Tokens that the language model gets when none is pruned.
   *
   * @param dropped leading tokens that a slice dropped by stage 1 leaves
   */
  int[] wholeSlices(int dropped) {
    int[] tokens = new int[tokens()];
    int count = 0;
    for (AnchoredVolume v : list) {
      int n = v.grid().tokens();
      for (int p = 0; p < v.processed().length; p++) {
        int left = v.slices().kept()[v.processed()[p]] ? n : dropped;
        for (int t = 0; t < left; t++) {
          tokens[count++] = v.token() + p * n + t;
        }
      }
    }
    return Arrays.copyOf(tokens, count);
  }
}
