package org.medpruner.volume;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.volume.dicom.DicomException;
import org.medpruner.volume.dicom.DicomSeries;

/**
 * Makes a volume of a DICOM file or of a series in a folder tree.
 *
 * <p>Names of files and folders may hold the patient's name, so neither a message nor the
 * provenance repeats any: they say "DICOM folder", and name the input by its hash.
 */
final class DicomReader {

  /** Padding this share of the range of the measured values away from them would dull a picture. */
  private static final double PADDING_SHARE = 0.01;

  private DicomReader() {}

  /** Whether a file starts like DICOM. */
  static boolean isDicom(Path file) {
    try {
      // Voxels of a pair may begin with the eight bytes that tell a bare data set.
      return DicomSeries.isDicom(file, !NiftiReader.isImageOfPair(file));
    } catch (IOException e) {
      throw Volumes.unreadable(file, e);
    }
  }

  /**
   * Whether a folder that holds pictures also holds a DICOM file, however deep: then the pictures
   * are somebody's extras.
   */
  static boolean holdsDicom(Path folder) {
    try {
      return DicomSeries.holdsDicom(folder);
    } catch (IOException e) {
      return false;
    }
  }

  /** Null for a folder without anything DICOM in it. */
  static @Nullable Volume read(Path path, ReadOptions options) {
    String what = Files.isDirectory(path) ? "DICOM folder: " : "DICOM file: ";
    try {
      DicomSeries series = DicomSeries.find(path, options.series(), options.frame());
      return series == null ? null : volume(series);
    } catch (DicomException e) {
      // Without a cause: its trace would repeat nothing but this.
      throw new VolumeException(what + Failures.oneLine(String.valueOf(e.getMessage())));
    } catch (OutOfMemoryError e) {
      throw new VolumeException(
          what
              + "does not fit into the Java heap of "
              + Failures.megabytes(Runtime.getRuntime().maxMemory())
              + "; raise -Xmx");
    }
  }

  private static Volume volume(DicomSeries series) throws DicomException {
    List<String> warnings = new ArrayList<>();
    boolean rescaledAlike = true;
    boolean storedAlike = true;
    for (int i = 1; i < series.slices(); i++) {
      rescaledAlike &=
          series.slope(i) == series.slope(0) && series.intercept(i) == series.intercept(0);
      storedAlike &= series.bits(i) == series.bits(0) && series.signed(i) == series.signed(0);
    }
    if (!rescaledAlike) {
      warnings.add("slices are scaled differently: values were scaled one by one, to float32");
    } else if (!storedAlike) {
      warnings.add(
          "slices are stored as integers of different sign or width: values were scaled one by"
              + " one, to float32");
    }
    boolean alike = rescaledAlike && storedAlike;
    VoxelType type = alike ? type(series) : VoxelType.FLOAT32;
    int pixels = series.columns() * series.rows();
    long length = (long) pixels * series.slices();
    if (length * type.bytes > Runtime.getRuntime().maxMemory()) {
      throw new DicomException(
          "the series takes "
              + Failures.megabytes(length * type.bytes)
              + ", the Java heap is "
              + Failures.megabytes(Runtime.getRuntime().maxMemory())
              + "; raise -Xmx");
    }
    VoxelArray.Builder builder = new VoxelArray.Builder(type, length);
    DicomSeries.Pixels read =
        series.read(
            (slice, values) ->
                builder.put(
                    (long) slice * pixels, alike ? values : rescaled(series, slice, values)));
    replacePadding(series, read.slices(), alike, builder, warnings);
    VoxelArray voxels =
        alike ? builder.build(series.slope(0), series.intercept(0)) : builder.build(1, 0);
    warnings.addAll(series.warnings());
    return volume(series, voxels, read.sha256(), warnings);
  }

  private static VoxelType type(DicomSeries s) {
    if (s.samples() == 3) {
      return VoxelType.RGB24;
    }
    boolean signed = s.signed(0);
    return switch (s.bits(0)) {
      case 8 -> signed ? VoxelType.INT8 : VoxelType.UINT8;
      case 16 -> signed ? VoxelType.INT16 : VoxelType.UINT16;
      default -> signed ? VoxelType.INT32 : VoxelType.UINT32;
    };
  }

  private static byte[] rescaled(DicomSeries s, int slice, byte[] stored) {
    int width = s.bits(slice) / 8;
    boolean signed = s.signed(slice);
    byte[] out = new byte[stored.length / width * 4];
    for (int i = 0; i * width < stored.length; i++) {
      long v = 0;
      for (int k = width - 1; k >= 0; k--) {
        v = v << 8 | stored[i * width + k] & 0xff;
      }
      int unused = 64 - 8 * width;
      v = signed ? v << unused >> unused : v;
      int bits = Float.floatToRawIntBits(scaled(s, slice, v));
      for (int k = 0; k < 4; k++) {
        out[4 * i + k] = (byte) (bits >> 8 * k);
      }
    }
    return out;
  }

  private static float scaled(DicomSeries s, int slice, long stored) {
    return (float) (stored * s.slope(slice) + s.intercept(slice));
  }

  /**
   * Padding measures nothing. Where it lies well off the measured values it takes the lowest of
   * them, so that a picture from minimum to maximum shows the patient and not the padding. Each
   * slice is asked for its own padding: files may state different ones or none, and one value is
   * another number under another scale.
   *
   * @param alike whether the builder holds stored values, and not scaled ones
   */
  private static void replacePadding(
      DicomSeries series,
      List<DicomSeries.Stored> slices,
      boolean alike,
      VoxelArray.Builder builder,
      List<String> warnings) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < slices.size(); i++) {
      DicomSeries.Stored s = slices.get(i);
      if (s.min() <= s.max()) {
        double[] measured = held(series, i, s.min(), s.max(), alike);
        low = Math.min(low, measured[0]);
        high = Math.max(high, measured[1]);
      }
    }
    if (low > high) {
      return;
    }
    // Under a negative slope the lowest value is the highest of those stored.
    double lowest = alike && series.slope(0) < 0 ? high : low;
    double margin = PADDING_SHARE * (high - low);
    int pixels = series.columns() * series.rows();
    long replaced = 0;
    for (int i = 0; i < slices.size(); i++) {
      long[] stated = slices.get(i).padding();
      if (stated == null) {
        continue;
      }
      double[] padding = held(series, i, stated[0], stated[1], alike);
      if (padding[0] < low - margin || padding[1] > high + margin) {
        replaced += builder.replace((long) i * pixels, pixels, padding[0], padding[1], lowest);
      }
    }
    if (replaced > 0) {
      warnings.add(
          replaced + " padding voxels were given the lowest value of the others, they are no data");
    }
  }

  /** Both ends of a slice's stored values as the builder holds them, the lower one first. */
  private static double[] held(DicomSeries s, int slice, long low, long high, boolean alike) {
    double a = alike ? low : scaled(s, slice, low);
    double b = alike ? high : scaled(s, slice, high);
    return new double[] {Math.min(a, b), Math.max(a, b)};
  }

  private static Volume volume(
      DicomSeries series, VoxelArray voxels, String sha256, List<String> warnings)
      throws DicomException {
    int[] shape = {series.columns(), series.rows(), series.slices()};
    double[][] affine = series.affine();
    Orientation orientation = affine == null ? Orientation.AS_PRESENTED : Orientation.of(affine);
    if (orientation == null) {
      throw new DicomException(
          "the slices lie beside each other and form no stack; choose another series");
    }
    double[][] known = affine == null ? new double[4][4] : affine;
    if (affine == null) {
      for (double[] row : known) {
        Arrays.fill(row, Double.NaN);
      }
    }
    List<Integer> stated = new ArrayList<>(List.of(shape[0], shape[1], shape[2]));
    if (series.frames() > 1) {
      stated.add(series.frames());
    }
    Provenance provenance =
        new Provenance(
            Path.of("dicom-" + sha256.substring(0, 12)),
            sha256,
            Provenance.Kind.DICOM,
            "DICOM",
            voxels.type().label,
            stated,
            series.frames(),
            series.frame(),
            affine == null ? "" : orientation.code(),
            modality(series),
            warnings);
    return new Volume(
        voxels,
        VoxelStats.of(voxels),
        shape,
        known,
        series.deviations(),
        orientation,
        affine != null,
        provenance);
  }

  private static Modality modality(DicomSeries series) {
    if (series.hounsfield()) {
      return Modality.CT;
    }
    return series.modality().equals("MR") ? Modality.MRI : Modality.AUTO;
  }
}
