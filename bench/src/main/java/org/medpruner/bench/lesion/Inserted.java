package org.medpruner.bench.lesion;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.medpruner.SliceAnchor;

/**
 * A lesion in a volume.
 *
 * @param first slice that it touches, or the one at its centre
 * @param last slice that it touches, or the one at its centre
 * @param pictures those that it changes
 */
record Inserted(Lesion lesion, int first, int last, Map<Integer, byte[]> pictures) {
  static Inserted of(Subject subject, Lesion lesion) {
    Map<Integer, byte[]> pictures = new HashMap<>();
    // A lesion may fall between the sampled points of coarse voxels and change nothing.
    int first = subject.centre(lesion);
    int last = first;
    for (int i = 0; i < subject.count(); i++) {
      byte[] picture = subject.with(lesion, i);
      if (picture != null) {
        pictures.put(i, picture);
        first = Math.min(first, i);
        last = Math.max(last, i);
      }
    }
    return new Inserted(lesion, first, last, pictures);
  }

  /**
   * Which of slices first to last stage 1 keeps. Up to `first` it goes as without the lesion, so it
   * begins at the anchor of the slice before.
   *
   * @param without what the setting makes of the volume without lesions
   */
  boolean[] kept(Subject subject, Setting setting, SliceAnchor.Result without) {
    int begin = first == 0 ? 0 : without.representatives()[first - 1];
    List<byte[]> slices = new ArrayList<>();
    for (int i = begin; i <= last; i++) {
      slices.add(pictures.getOrDefault(i, subject.resized().get(i)));
    }
    boolean[] kept = setting.run(slices, subject.channels(), subject.spacingMm()).kept();
    return Arrays.copyOfRange(kept, first - begin, last + 1 - begin);
  }
}
