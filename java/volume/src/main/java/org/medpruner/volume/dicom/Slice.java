package org.medpruner.volume.dicom;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One picture of a series: a frame of a file.
 *
 * @param file which file, counted from 0 in byte order of the paths
 * @param header of the file
 * @param info of the frame
 */
record Slice(int file, ImageHeader header, FrameInfo info) {
  @Nullable Plane plane() {
    return info.plane;
  }

  /** Orders repeated planes as their headers say, then as they are stored. */
  static int compareRepetition(Slice a, Slice b) {
    int c = compareStated(a, b);
    if (c != 0) {
      return c;
    }
    return a.file != b.file
        ? Integer.compare(a.file, b.file)
        : Integer.compare(a.info.frame, b.info.frame);
  }

  /**
   * By echo, time and acquisition of the file, what is the frame's own, and the instance number; 0
   * when no header tells them apart.
   */
  static int compareStated(Slice a, Slice b) {
    Repetition r = a.header.repetition;
    Repetition s = b.header.repetition;
    int c = Repetition.BEFORE_INSTANCE.compare(r, s);
    if (c == 0) {
      c = Arrays.compare(a.info.frameOrder, b.info.frameOrder);
    }
    return c != 0 ? c : Integer.compare(r.instance(), s.instance());
  }
}
