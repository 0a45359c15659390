package org.medpruner.eval.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.medpruner.eval.Sample;
import org.medpruner.volume.Modality;
import org.medpruner.volume.Provenance;
import org.medpruner.volume.ReadOptions;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volume;
import org.medpruner.volume.VolumeException;
import org.medpruner.volume.Volumes;
import org.medpruner.volume.Window;

/**
 * A sample's volume as the model sees it.
 *
 * <ul>
 *   <li>A folder of pictures: byte order of the names ({@code 10.png} before {@code 2.png}), pixels
 *       as they are, grey copied to R, G and B.
 *   <li>A NIfTI file or DICOM series, or a folder with one NIfTI file: as {@code medpruner ask}
 *       takes it, CT windows or MRI min-max by what the values suggest.
 *   <li>A {@code .npy} array: presented as stored; values within 0..1 become grey, others as those
 *       of NIfTI.
 * </ul>
 *
 * <p>Of more than {@code maxImages} slices pictures and arrays are reduced by {@code
 * numpy.linspace} with fractions cut off, as the published evaluation does, volumes in millimetres
 * as MedGemma's notebook does.
 *
 * @param images the slices
 * @param sha256 of the files as read, see {@link Provenance#sha256}
 * @param warnings of the reader, see {@link Provenance#warnings}
 */
public record SampleVolume(SliceImages images, String sha256, List<String> warnings) {
  private static final Window UNIT = new Window(0, 1);

  /** Copies the list. */
  public SampleVolume {
    warnings = List.copyOf(warnings);
  }

  /**
   * Reads it.
   *
   * @param data the run's data folder
   * @param maxImages most slices
   * @throws VolumeException in one line naming the file or folder
   */
  public static SampleVolume read(Path data, Sample sample, int maxImages) {
    Volume volume = Volumes.read(file(data.resolve(sample.volume())), ReadOptions.DEFAULT);
    Provenance.Kind kind = volume.provenance().kind();
    boolean asStored = kind == Provenance.Kind.PICTURES || kind == Provenance.Kind.NPY;
    boolean unit = kind == Provenance.Kind.NPY && volume.min() >= 0 && volume.max() <= 1;
    Recipe recipe = unit ? Recipe.window(UNIT) : Recipe.forModality(Modality.AUTO, volume);
    var slices = volume.slices();
    SliceImages images =
        (asStored ? slices.linspace(maxImages) : slices.sample(maxImages)).images(recipe);
    return new SampleVolume(images, volume.provenance().sha256(), volume.provenance().warnings());
  }

  /** The one volume file in a folder that holds one; else the path itself. */
  private static Path file(Path path) {
    if (!Files.isDirectory(path)) {
      return path;
    }
    try (Stream<Path> all = Files.list(path)) {
      List<Path> files =
          all.filter(
                  f ->
                      f.getFileName()
                          .toString()
                          .toLowerCase(Locale.ROOT)
                          .matches("[^.].*\\.(nii|nii\\.gz|npy)"))
              .sorted()
              .toList();
      if (files.size() > 1) {
        throw new VolumeException(
            path + ": holds " + files.size() + " volumes; a sample's folder holds one");
      }
      return files.isEmpty() ? path : files.getFirst();
    } catch (IOException | UncheckedIOException e) {
      throw new VolumeException(path + ": cannot be listed (" + e + "); check the folder", e);
    }
  }
}
