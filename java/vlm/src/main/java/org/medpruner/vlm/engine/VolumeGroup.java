package org.medpruner.vlm.engine;

import java.util.List;
import org.medpruner.volume.SliceInfo;

/**
 * Volumes whose slices have one size, so that one batch of the encoder may hold slices of several.
 *
 * @param pixels their pictures, volume after volume
 * @param vision encodes slices, numbered as in {@code pixels}
 * @param members the volumes, in that order
 */
record VolumeGroup(PixelSource pixels, VisionEncoder vision, List<Member> members) {
  /**
   * A volume.
   *
   * @param index its place in the caller's list
   * @param first its first slice in the pictures of the group
   * @param info one entry per slice
   * @param maxGap keep at least every so-manieth slice; 0 when there is no bound
   */
  record Member(int index, int first, List<SliceInfo> info, long maxGap) {
    int count() {
      return info.size();
    }

    int end() {
      return first + info.size();
    }
  }
}
