package org.medpruner.cli;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.cli.report.ReportModel;
import org.medpruner.volume.Axis;
import org.medpruner.volume.Modality;
import org.medpruner.volume.Provenance;
import org.medpruner.volume.ReadOptions;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.StoredSlices;
import org.medpruner.volume.Volume;
import org.medpruner.volume.VolumeReading;
import org.medpruner.volume.Volumes;
import picocli.CommandLine.Option;

/** Which volume, and how it becomes pictures. */
final class VolumeOptions {
  @Option(
      names = "--volume",
      required = true,
      paramLabel = "FILE",
      description =
          "NIfTI file (.nii, .nii.gz), DICOM file, folder tree with a DICOM series, folder of PNG,"
              + " JPEG or BMP slices, or NumPy array (.npy). ask takes several.")
  List<Path> paths = List.of();

  @Option(
      names = "--modality",
      defaultValue = "auto",
      paramLabel = "ct|mri|auto",
      description =
          "How values become grey: CT windows, or MRI min-max. Default: auto, what the file says or"
              + " else the values suggest.")
  Modality modality = Modality.AUTO;

  @Option(
      names = "--axis",
      defaultValue = "axial",
      paramLabel = "AXIS",
      description = "Slicing direction: axial (default), coronal or sagittal.")
  Axis axis = Axis.AXIAL;

  @Option(names = "--reverse", description = "Present the slices in the opposite order.")
  boolean reverse;

  @Option(
      names = "--max-slices",
      paramLabel = "N",
      description =
          "Sample this many slices at most (default: "
              + VolumeReading.MODEL_SLICES
              + " with a model, else all; 180 with --window hulu).")
  @Nullable Integer maxSlices;

  @Option(
      names = "--frame",
      defaultValue = "0",
      paramLabel = "N",
      description = "Frame of a 4-D file or series, from 0. Default: 0.")
  int frame;

  @Option(
      names = "--series",
      paramLabel = "SERIES",
      description =
          "DICOM series of a folder: its number, or the beginning of its SeriesInstanceUID."
              + " Default: the one with the most slices.")
  @Nullable String series;

  @Option(
      names = "--window",
      defaultValue = "google",
      converter = WindowChoice.Converter.class,
      paramLabel = "WINDOW",
      description =
          "google (default): by modality, MedGemma's three CT windows; reference: ready-made 8-bit"
              + " pictures as they are; hulu: Hulu-Med's own reading of NIfTI, slices as stored,"
              + " each stretched to 0..255; LOW,HIGH: one window, which 16-bit PNG needs"
              + " and 8-bit pictures, ready-made, do not get.")
  WindowChoice window = WindowChoice.Named.GOOGLE;

  /** Checks what can be checked without reading the file. */
  void check() {
    Failures.requireArgument(frame >= 0, "--frame", frame, ">= 0");
    Integer max = maxSlices;
    Failures.requireArgument(max == null || max >= 1, "--max-slices", max, ">= 1");
    if (reverse && window == WindowChoice.Named.HULU) {
      throw new IllegalArgumentException(
          "--reverse = true, but --window hulu takes the slices in the file's order; leave one"
              + " out");
    }
  }

  /** The volume of a command that takes one. */
  Path one() {
    if (paths.size() != 1) {
      throw new IllegalArgumentException(
          "--volume is given " + paths.size() + " times, but only ask takes several");
    }
    return paths.getFirst();
  }

  /**
   * Reads a file and makes the pictures.
   *
   * @param defaultMaxSlices how many to sample when the user did not say; 0 for all
   */
  VolumeInput read(Path file, int defaultMaxSlices) {
    long start = System.nanoTime();
    int max = maxSlices == null ? defaultMaxSlices : maxSlices;
    VolumeReading reading =
        new VolumeReading(
            modality,
            axis,
            reverse,
            max == 0 ? Integer.MAX_VALUE : max,
            new ReadOptions(
                frame, window instanceof WindowChoice.Edges e ? e.window() : null, series));
    Volume volume = Volumes.read(file, reading.options());
    SliceImages images = images(volume, reading);
    return new VolumeInput(volume, images, orientation(volume), (System.nanoTime() - start) / 1e9);
  }

  private SliceImages images(Volume volume, VolumeReading reading) {
    return switch (window) {
      case WindowChoice.Named.GOOGLE -> reading.images(volume);
      case WindowChoice.Named.REFERENCE -> reading.slices(volume).images(Recipe.readyMade());
      case WindowChoice.Named.HULU -> stored().images(volume);
      case WindowChoice.Edges edges ->
          // Pictures of a folder are 8-bit by now: a 16-bit PNG was windowed as it was read.
          volume.provenance().kind() == Provenance.Kind.PICTURES
              ? reading.withModality(Modality.AUTO).images(volume)
              : reading.slices(volume).images(Recipe.window(edges.window()));
    };
  }

  /** Hulu-Med calls the file's axes 2, 1 and 0 axial, coronal and sagittal, whatever they are. */
  private StoredSlices stored() {
    int fileAxis =
        switch (axis) {
          case AXIAL -> 2;
          case CORONAL -> 1;
          case SAGITTAL -> 0;
        };
    int most = maxSlices == null ? StoredSlices.DEFAULT.count() : maxSlices;
    return new StoredSlices(fileAxis, most, false, null);
  }

  /** How presented pictures lie; {@link Axis} fixes it for a volume whose affine is known. */
  private String orientation(Volume volume) {
    if (window == WindowChoice.Named.HULU) {
      return "as stored in the file, not reoriented";
    }
    if (volume.provenance().orientation().isEmpty()) {
      return "";
    }
    return switch (axis) {
      case AXIAL ->
          (reverse ? "axial, inferior to superior; " : "axial, superior to inferior; ")
              + ReportModel.PATIENT_RIGHT_AT_LEFT
              + ", anterior up";
      case CORONAL ->
          (reverse ? "coronal, posterior to anterior; " : "coronal, anterior to posterior; ")
              + ReportModel.PATIENT_RIGHT_AT_LEFT
              + ", superior up";
      case SAGITTAL ->
          (reverse ? "sagittal, left to right; " : "sagittal, right to left; ")
              + ReportModel.ANTERIOR_AT_LEFT
              + ", superior up";
    };
  }
}
