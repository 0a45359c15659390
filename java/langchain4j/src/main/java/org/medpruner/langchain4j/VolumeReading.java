package org.medpruner.langchain4j;

import org.jspecify.annotations.Nullable;
import org.medpruner.volume.Axis;
import org.medpruner.volume.Modality;
import org.medpruner.volume.ReadOptions;

/**
 * How a volume becomes the pictures that a model sees; the defaults are those of the command line.
 * Start from {@link #DEFAULT} and derive.
 *
 * @param modality how values become grey
 * @param axis slicing direction
 * @param reverse whether the slices come in the opposite order
 * @param maxSlices most slices, at least 1; of more, so many are sampled evenly
 * @param options frame of a 4-D file, series of a DICOM folder
 */
public record VolumeReading(
    Modality modality, Axis axis, boolean reverse, int maxSlices, ReadOptions options) {
  /** The modality as the header or the values say, axial slices, at most 85 as MedGemma 1.5. */
  public static final VolumeReading DEFAULT =
      new VolumeReading(Modality.AUTO, Axis.AXIAL, false, 85, ReadOptions.DEFAULT);

  /** Checks the number of slices. */
  public VolumeReading {
    if (maxSlices < 1) {
      throw new IllegalArgumentException("maxSlices = " + maxSlices + ", but it must be >= 1");
    }
  }

  /**
   * The same for another modality.
   *
   * @param value {@link Modality#AUTO} asks the header, then the values
   * @return a reading that differs in this alone
   */
  public VolumeReading withModality(Modality value) {
    return new VolumeReading(value, axis, reverse, maxSlices, options);
  }

  /**
   * The same along another axis.
   *
   * @param value axial alone where the input has no orientation
   * @return a reading that differs in this alone
   */
  public VolumeReading withAxis(Axis value) {
    return new VolumeReading(modality, value, reverse, maxSlices, options);
  }

  /**
   * The same with the slices in the opposite order, or not.
   *
   * @param value true for inferior to superior along {@link Axis#AXIAL}
   * @return a reading that differs in this alone
   */
  public VolumeReading withReverse(boolean value) {
    return new VolumeReading(modality, axis, value, maxSlices, options);
  }

  /**
   * The same with another number of slices.
   *
   * @param value most slices, at least 1
   * @return a reading that differs in this alone
   * @throws IllegalArgumentException if the value is below 1
   */
  public VolumeReading withMaxSlices(int value) {
    return new VolumeReading(modality, axis, reverse, value, options);
  }

  /**
   * The same with a choice of the DICOM series.
   *
   * @param value its number or the beginning of its SeriesInstanceUID, null for the largest
   * @return a reading that differs in this alone
   */
  public VolumeReading withSeries(@Nullable String value) {
    return new VolumeReading(
        modality,
        axis,
        reverse,
        maxSlices,
        new ReadOptions(options.frame(), options.pictureWindow(), value));
  }
}
