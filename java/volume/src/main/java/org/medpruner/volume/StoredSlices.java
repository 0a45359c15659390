package org.medpruner.volume;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Slices of a NIfTI volume as the file stores them, without reorientation: how Hulu-Med reads its
 * {@code 3d} modality. The rows of a picture run along the lower of the two remaining file axes (x
 * for axis 2), its columns along the higher one, so pictures of the usual RAS file are transposed
 * against the radiological view; that is what the model was trained on.
 *
 * <p>Every slice is stretched on its own: its smallest and largest finite value become 0 and 255 in
 * float64, fractions cut off, grey copied to R, G and B. Two cases where the released code casts
 * whatever is there to 8 bits are black here: a slice of one value, and voxels that are not finite.
 *
 * @param axis file axis the slices are taken along: 2 is Hulu-Med's "axial", 1 "coronal", 0
 *     "sagittal"
 * @param count slices to take: of n slices those at {@code floor(i * (n - 1) / (count - 1))}
 * @param repeat whether a volume of fewer slices repeats some of them to reach {@code count}, as
 *     Hulu-Med's utility on GitHub does; its processor takes each slice once
 * @param window values are clipped to it before they are stretched, or null for none
 */
public record StoredSlices(int axis, int count, boolean repeat, @Nullable Window window) {
  /** What Hulu-Med takes when nothing is said: at most 180 slices along file axis 2, no window. */
  public static final StoredSlices DEFAULT = new StoredSlices(2, 180, false, null);

  /** Checks the numbers. */
  public StoredSlices {
    if (axis < 0 || axis > 2) {
      throw new IllegalArgumentException("axis is " + axis + ", must be 0, 1 or 2");
    }
    if (count < 1) {
      throw new IllegalArgumentException("count is " + count + ", must be at least 1");
    }
  }

  /**
   * Makes the pictures.
   *
   * @param volume of one channel, from a NIfTI file
   * @return one new picture per slice taken, in the file's order
   * @throws VolumeException if the volume does not come from a NIfTI file, holds colours, or its
   *     pictures do not fit into the heap
   */
  public SliceImages images(Volume volume) {
    int[] shape = storedShape(volume);
    int rowAxis = axis == 0 ? 1 : 0;
    int columnAxis = axis == 2 ? 1 : 2;
    int height = shape[rowAxis];
    int width = shape[columnAxis];
    int[] planes = Linspace.indices(shape[axis], repeat ? count : Math.min(count, shape[axis]));
    long bytes = 3L * height * width;
    if (bytes > Integer.MAX_VALUE - 8 || bytes * planes.length > Runtime.getRuntime().maxMemory()) {
      throw Failures.bad(
          volume.provenance().path(),
          planes.length
              + " pictures need "
              + Failures.megabytes(bytes * planes.length)
              + ", more than the Java heap can hold; take fewer slices or raise -Xmx");
    }
    long[] strides = {1, shape[0], (long) shape[0] * shape[1]};
    List<byte[]> pixels = new ArrayList<>(planes.length);
    List<SliceInfo> info = new ArrayList<>(planes.length);
    for (int plane : planes) {
      double[] values = new double[height * width];
      for (int r = 0; r < height; r++) {
        long at = plane * strides[axis] + r * strides[rowAxis];
        for (int c = 0; c < width; c++) {
          values[r * width + c] = volume.voxels().value(at + c * strides[columnAxis], 0);
        }
      }
      pixels.add(stretch(values));
      info.add(new SliceInfo(info.size(), plane, position(volume, plane)));
    }
    return new SliceImages(height, width, pixels, info, spacing(volume, planes), toString());
  }

  /** The file's three spatial dimensions. */
  private static int[] storedShape(Volume volume) {
    Provenance p = volume.provenance();
    if (p.kind() != Provenance.Kind.NIFTI) {
      throw Failures.bad(
          p.path(),
          "is "
              + p.format()
              + ", but slices in stored order need a NIfTI file; convert it with dcm2niix, or"
              + " choose another window");
    }
    if (volume.channels() != 1) {
      throw Failures.bad(
          p.path(),
          "holds colour pictures, which have no values to stretch; choose another window");
    }
    int[] shape = {1, 1, 1};
    for (int a = 0; a < Math.min(3, p.shape().size()); a++) {
      shape[a] = p.shape().get(a);
    }
    return shape;
  }

  private byte[] stretch(double[] values) {
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        values[i] = Double.NaN;
        continue;
      }
      if (window != null) {
        values[i] = Math.min(Math.max(values[i], window.low()), window.high());
      }
      min = Math.min(min, values[i]);
      max = Math.max(max, values[i]);
    }
    byte[] out = new byte[3 * values.length];
    if (max > min) {
      for (int i = 0; i < values.length; i++) {
        // A cast of NaN gives 0.
        byte grey = (byte) (int) ((values[i] - min) / (max - min) * 255.0);
        out[3 * i] = grey;
        out[3 * i + 1] = grey;
        out[3 * i + 2] = grey;
      }
    }
    return out;
  }

  /** The RAS+ axis that runs along {@link #axis}, or -1 where the file does not say. */
  private int scannerAxis(Volume volume) {
    String code = volume.provenance().orientation();
    return code.length() == 3
        ? switch (code.charAt(axis)) {
          case 'R', 'L' -> 0;
          case 'A', 'P' -> 1;
          default -> 2;
        }
        : -1;
  }

  private double position(Volume volume, int plane) {
    int a = scannerAxis(volume);
    // The mapping of indices along one axis is its own inverse.
    return a < 0 ? Double.NaN : volume.position(a, volume.sourceIndex(a, plane));
  }

  private double spacing(Volume volume, int[] planes) {
    int a = scannerAxis(volume);
    if (a < 0) {
      return Double.NaN;
    }
    int n = planes.length;
    double step = volume.spacing(a);
    return n < 2 ? step : step * (planes[n - 1] - planes[0]) / (n - 1);
  }

  @Override
  public String toString() {
    return "as stored along file axis "
        + axis
        + (window == null ? "" : ", window " + window)
        + ", each slice stretched to 0..255";
  }
}
