package org.medpruner.volume.dicom;

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

  /** Orders repeated planes: echo, time, acquisition, instance number, then as they are stored. */
  static int compareRepetition(Slice a, Slice b) {
    for (int i = 0; i < a.header.repetition.length; i++) {
      int c = Integer.compare(a.header.repetition[i], b.header.repetition[i]);
      if (c != 0) {
        return c;
      }
    }
    return a.file != b.file
        ? Integer.compare(a.file, b.file)
        : Integer.compare(a.info.frame, b.info.frame);
  }
}
