package org.medpruner.volume.dicom;

import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * Which of the pictures of one plane a file holds, as its header numbers them; 0 where it does not.
 *
 * @param echo of a multi-echo sequence
 * @param time position in time
 * @param acquisition which one the picture was made in
 * @param instance number of the file, which differs always
 */
record Repetition(int echo, int time, int acquisition, int instance) {
  static final Comparator<Repetition> BEFORE_INSTANCE =
      Comparator.comparingInt(Repetition::echo)
          .thenComparingInt(Repetition::time)
          .thenComparingInt(Repetition::acquisition);

  static Repetition of(DataSet d) {
    return new Repetition(
        orZero(d.integer(Tag.ECHO_NUMBERS)),
        orZero(d.integer(Tag.TEMPORAL_POSITION)),
        orZero(d.integer(Tag.ACQUISITION_NUMBER)),
        orZero(d.integer(Tag.INSTANCE_NUMBER)));
  }

  private static int orZero(@Nullable Integer i) {
    return i == null ? 0 : i;
  }

  /** What all slices of one repetition share. */
  Repetition withoutInstance() {
    return new Repetition(echo, time, acquisition, 0);
  }
}
