package org.medpruner.volume;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Slices of a volume in presented order. Immutable and safe to share between threads; pixels are
 * made on demand. A picture has one pixel per voxel: where the spacing of rows and columns differs
 * it is not resampled.
 */
public final class SliceStack {
  private final Volume volume;
  private final Axis axis;

  /** RAS+ index along the slicing axis of each presented slice. */
  private final int[] planes;

  private SliceStack(Volume volume, Axis axis, int[] planes) {
    this.volume = volume;
    this.axis = axis;
    this.planes = planes;
  }

  static SliceStack all(Volume volume, Axis axis, boolean reverse) {
    int n = volume.size(axis.slice);
    int[] planes = new int[n];
    Arrays.setAll(planes, i -> reverse ? i : n - 1 - i);
    return new SliceStack(volume, axis, planes);
  }

  /**
   * At most {@code max} slices, spread as Google's MedGemma notebook does: with n &gt; max slices
   * those at {@code round(i / max * (n - 1))}, i = 1..max, half to even, so the first slice is
   * never among them; with fewer this stack itself. Indices count anew from 0.
   *
   * @param max at least 1; MedGemma 1.5 takes 85
   * @return a stack of the same volume
   * @throws IllegalArgumentException if {@code max} is below 1
   */
  public SliceStack sample(int max) {
    if (max < 1) {
      throw new IllegalArgumentException("max is " + max + ", must be at least 1");
    }
    int n = planes.length;
    if (n <= max) {
      return this;
    }
    int[] sampled = new int[max];
    Arrays.setAll(sampled, i -> planes[(int) Math.rint((double) (i + 1) / max * (n - 1))]);
    return new SliceStack(volume, axis, sampled);
  }

  /**
   * At most {@code max} slices, spread as {@code numpy.linspace(0, n - 1, max, dtype=int)}: the
   * first and the last one are among them, fractions are cut off. With fewer this stack itself.
   * Indices count anew from 0.
   *
   * @param max at least 1
   * @return a stack of the same volume
   * @throws IllegalArgumentException if {@code max} is below 1
   */
  public SliceStack linspace(int max) {
    if (max < 1) {
      throw new IllegalArgumentException("max is " + max + ", must be at least 1");
    }
    int n = planes.length;
    return n <= max
        ? this
        : new SliceStack(
            volume, axis, Arrays.stream(Linspace.indices(n, max)).map(i -> planes[i]).toArray());
  }

  /** {@return the volume that was cut, all of it whatever was sampled} */
  public Volume volume() {
    return volume;
  }

  /** {@return the axis it was cut along} */
  public Axis axis() {
    return axis;
  }

  /** {@return the number of slices, at least 1} */
  public int count() {
    return planes.length;
  }

  /** {@return rows of a picture, one per voxel} */
  public int height() {
    return volume.size(axis.row);
  }

  /** {@return columns of a picture, one per voxel} */
  public int width() {
    return volume.size(axis.column);
  }

  /**
   * {@return mean distance in mm between neighbouring presented slices (all equal unless sampled);
   * NaN when unknown}
   */
  public double spacingMm() {
    double step = volume.spacing(axis.slice);
    int n = planes.length;
    return n < 2 ? step : step * Math.abs(planes[n - 1] - planes[0]) / (n - 1);
  }

  /**
   * Where slice {@code index} comes from. Its position is the scanner coordinate (R, A or S, mm) of
   * the centre of the slice.
   *
   * @param index of a presented slice, 0-based
   * @return its indices and position, NaN where the file tells none
   * @throws IndexOutOfBoundsException if there is no such slice
   */
  public SliceInfo info(int index) {
    int plane = planes[Objects.checkIndex(index, planes.length)];
    return new SliceInfo(
        index, volume.sourceIndex(axis.slice, plane), volume.position(axis.slice, plane));
  }

  /**
   * The values of one slice, the file's scaling applied; first channel of a colour volume.
   *
   * @param index of a presented slice, 0-based
   * @return a new double[height * width], rows top to bottom; may hold NaN
   * @throws IndexOutOfBoundsException if there is no such slice
   */
  public double[] values(int index) {
    int h = height();
    int w = width();
    double[] out = new double[Math.multiplyExact(h, w)];
    for (int r = 0; r < h; r++) {
      for (int c = 0; c < w; c++) {
        out[r * w + c] = volume.voxels().value(offset(index, r) + c * columnStep(), 0);
      }
    }
    return out;
  }

  /**
   * Makes the pictures.
   *
   * @param recipe how voxels become 8-bit RGB
   * @return one new picture per slice, in presented order
   * @throws VolumeException when the recipe does not suit the volume, or the pictures do not fit
   *     into the heap
   */
  public SliceImages images(Recipe recipe) {
    long bytes = 3L * height() * width() * count();
    long heap = Runtime.getRuntime().maxMemory();
    if (bytes > heap || 3L * height() * width() > Integer.MAX_VALUE - 8) {
      throw tooBig(bytes, null);
    }
    try {
      Painter painter = recipe.painter(volume);
      List<byte[]> pixels = new ArrayList<>(count());
      List<SliceInfo> info = new ArrayList<>(count());
      for (int i = 0; i < count(); i++) {
        pixels.add(paint(i, painter));
        info.add(info(i));
      }
      return new SliceImages(height(), width(), pixels, info, spacingMm(), recipe.toString());
    } catch (OutOfMemoryError e) {
      throw tooBig(bytes, e);
    }
  }

  private VolumeException tooBig(long bytes, @Nullable Throwable cause) {
    return Failures.bad(
        volume.provenance().path(),
        count()
            + " pictures need "
            + Failures.megabytes(bytes)
            + ", the Java heap is "
            + Failures.megabytes(Runtime.getRuntime().maxMemory())
            + "; sample fewer slices or raise -Xmx",
        cause);
  }

  private byte[] paint(int index, Painter painter) {
    int h = height();
    int w = width();
    byte[] out = new byte[h * w * 3];
    for (int r = 0, at = 0; r < h; r++) {
      long from = offset(index, r);
      for (int c = 0; c < w; c++, at += 3) {
        painter.paint(from + c * columnStep(), out, at);
      }
    }
    return out;
  }

  /** Position of the first pixel of a presented row; rows and columns run against RAS+. */
  private long offset(int index, int row) {
    return volume.base()
        + planes[index] * volume.stride(axis.slice)
        + (height() - 1 - row) * volume.stride(axis.row)
        + (width() - 1) * volume.stride(axis.column);
  }

  private long columnStep() {
    return -volume.stride(axis.column);
  }
}
