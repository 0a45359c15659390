package org.medpruner.volume;

import org.jspecify.annotations.Nullable;

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
  /** MedGemma 1.5's documented number of slices. */
  public static final int MODEL_SLICES = 85;

  /** The modality as the header or the values say, at most {@link #MODEL_SLICES} axial slices. */
  public static final VolumeReading DEFAULT =
      new VolumeReading(Modality.AUTO, Axis.AXIAL, false, MODEL_SLICES, ReadOptions.DEFAULT);

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
    return new VolumeReading(modality, axis, reverse, maxSlices, options.withSeries(value));
  }

  /**
   * The slices of a volume.
   *
   * @param volume as {@link Volumes#read} gives it for {@link #options}
   * @return at most {@link #maxSlices} of them, in order
   * @throws VolumeException for pictures without a position along anything but {@link Axis#AXIAL}
   */
  public SliceStack slices(Volume volume) {
    return volume.slices(axis, reverse).sample(maxSlices);
  }

  /**
   * The pictures of a volume.
   *
   * @param volume as {@link Volumes#read} gives it for {@link #options}
   * @return those of {@link #slices}, by {@link Recipe#forModality}
   * @throws VolumeException if the volume does not suit the modality or the axis
   */
  public SliceImages images(Volume volume) {
    return slices(volume).images(Recipe.forModality(modality, volume));
  }
}
