package org.medpruner.serve;

import org.jspecify.annotations.Nullable;
import org.medpruner.volume.Axis;
import org.medpruner.volume.Modality;
import org.medpruner.volume.Provenance;
import org.medpruner.volume.ReadOptions;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceStack;
import org.medpruner.volume.Volume;
import org.medpruner.volume.VolumeException;
import org.medpruner.volume.Volumes;

/**
 * How a file becomes pictures; the defaults are those of the command line.
 *
 * @param modality how values become grey
 * @param axis slicing direction
 * @param reverse whether the slices come in the opposite order
 * @param maxSlices most slices, at least 1
 * @param series which series of a DICOM upload; null for the largest
 */
record Reading(
    Modality modality, Axis axis, boolean reverse, int maxSlices, @Nullable String series) {
  /** MedGemma 1.5's documented number of slices. */
  private static final int MODEL_SLICES = 85;

  static final Reading DEFAULT = new Reading(Modality.AUTO, Axis.AXIAL, false, MODEL_SLICES, null);

  /**
   * A volume as read.
   *
   * @param seconds reading, digest and windowing
   */
  record Read(Volume volume, SliceImages images, double seconds) {}

  /**
   * Reads a file.
   *
   * @throws org.medpruner.volume.VolumeException if it cannot be used
   */
  Read read(StoredFile file) {
    long start = System.nanoTime();
    ReadOptions options =
        series == null ? ReadOptions.DEFAULT : ReadOptions.DEFAULT.withSeries(series);
    Volume volume = Volumes.read(file.path(), options);
    if (volume.provenance().kind() == Provenance.Kind.PICTURES && file.others() > 0) {
      // The reader left them out, and has no names here to say so by.
      throw new VolumeException(
          file.id()
              + ": "
              + file.others()
              + " of its files "
              + (file.others() == 1 ? "is" : "are")
              + " neither PNG, JPEG nor BMP, which would be a hole among the slices; leave out what"
              + " is no slice and convert the rest to PNG");
    }
    SliceStack stack = volume.slices(axis, reverse).sample(maxSlices);
    SliceImages images = stack.images(Recipe.forModality(modality, volume));
    return new Read(volume, images, (System.nanoTime() - start) / 1e9);
  }
}
