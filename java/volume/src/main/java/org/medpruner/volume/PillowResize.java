package org.medpruner.volume;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Resizes 8-bit pictures bit for bit as Pillow's {@code Image.resize} does, without a reducing gap.
 * Bilinear and bicubic are antialiased convolutions in fixed point with 22 fractional bits: first
 * along rows, rounded and clamped to 8 bits, then along columns; a direction whose size does not
 * change is left alone. (Newer Pillow versions start with the columns when a picture is more than
 * 100 times as high as wide; this does not.) A floating-point resize differs by up to 26 grey
 * levels on CT slices.
 */
public final class PillowResize {
  /** Interpolation. */
  public enum Filter {
    /** The source pixel under the centre of the target pixel. */
    NEAREST(0),
    /** Triangle of radius 1. */
    BILINEAR(1),
    /** Cubic convolution, a = -0.5, radius 2. */
    BICUBIC(2);

    final double radius;

    Filter(double radius) {
      this.radius = radius;
    }

    double at(double x) {
      double t = Math.abs(x);
      if (this == BILINEAR) {
        return t < 1 ? 1 - t : 0;
      }
      double a = -0.5;
      if (t < 1) {
        return ((a + 2) * t - (a + 3)) * t * t + 1;
      }
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    }
  }

  private static final int PRECISION_BITS = 22;

  private PillowResize() {}

  /**
   * Resizes one picture.
   *
   * @param pixels height * width * channels bytes, rows top to bottom, channels interleaved
   * @param height rows, at least 1
   * @param width pixels of a row, at least 1
   * @param channels 1 to 4 (no channel is treated as alpha)
   * @param newHeight rows of the result, at least 1
   * @param newWidth pixels of a row of the result, at least 1
   * @param filter interpolation, in both directions
   * @return a new array of newHeight * newWidth * channels bytes
   * @throws IllegalArgumentException if a number is out of range, {@code pixels} is of another
   *     length, or the result does not fit an array
   */
  public static byte[] resize(
      byte[] pixels,
      int height,
      int width,
      int channels,
      int newHeight,
      int newWidth,
      Filter filter) {
    if (height < 1 || width < 1 || newHeight < 1 || newWidth < 1) {
      throw new IllegalArgumentException(
          "sizes must be at least 1: "
              + height
              + " x "
              + width
              + " to "
              + newHeight
              + " x "
              + newWidth);
    }
    if (channels < 1 || channels > 4) {
      throw new IllegalArgumentException("channels is " + channels + ", must be 1 to 4");
    }
    if (pixels.length != size(height, width, channels)) {
      throw new IllegalArgumentException(
          "pixels has "
              + pixels.length
              + " bytes, not "
              + height
              + " x "
              + width
              + " x "
              + channels);
    }
    byte[] out = new byte[size(newHeight, newWidth, channels)];
    if (filter == Filter.NEAREST) {
      nearest(pixels, height, width, channels, out, newHeight, newWidth);
      return out;
    }
    byte[] wide = pixels;
    if (newWidth != width) {
      wide = newHeight == height ? out : new byte[size(height, newWidth, channels)];
      alongRows(pixels, height, width, channels, wide, new Weights(filter, width, newWidth));
    }
    if (newHeight != height) {
      alongColumns(wide, newWidth * channels, out, new Weights(filter, height, newHeight));
    } else if (newWidth == width) {
      System.arraycopy(pixels, 0, out, 0, out.length);
    }
    return out;
  }

  /**
   * {@link #resize(byte[], int, int, int, int, int, Filter)} of every picture.
   *
   * @param images RGB pictures; not changed
   * @param newHeight rows of every result, at least 1
   * @param newWidth pixels of a row of every result, at least 1
   * @param filter interpolation, in both directions
   * @return new pictures with the same infos, spacing and recipe
   * @throws IllegalArgumentException if a size is below 1, or a picture does not fit an array
   */
  public static SliceImages resize(SliceImages images, int newHeight, int newWidth, Filter filter) {
    List<byte[]> out = new ArrayList<>(images.count());
    for (byte[] p : images.pixels()) {
      out.add(resize(p, images.height(), images.width(), 3, newHeight, newWidth, filter));
    }
    return new SliceImages(
        newHeight, newWidth, out, images.info(), images.spacingMm(), images.recipe());
  }

  private static int size(int height, int width, int channels) {
    try {
      return Math.multiplyExact(Math.multiplyExact(height, width), channels);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          height + " x " + width + " x " + channels + " is too large for one array", e);
    }
  }

  /** Pillow walks with a running sum, whose rounding decides pixels that fall on an edge. */
  private static void nearest(
      byte[] in, int height, int width, int channels, byte[] out, int newHeight, int newWidth) {
    int[] columns = nearestIndices(width, newWidth);
    int[] rows = nearestIndices(height, newHeight);
    int at = 0;
    for (int y = 0; y < newHeight; y++) {
      for (int x = 0; x < newWidth; x++) {
        System.arraycopy(in, (rows[y] * width + columns[x]) * channels, out, at, channels);
        at += channels;
      }
    }
  }

  private static int[] nearestIndices(int size, int newSize) {
    int[] indices = new int[newSize];
    double step = (double) size / newSize;
    double position = step * 0.5;
    for (int i = 0; i < newSize; i++) {
      indices[i] = Math.min((int) position, size - 1);
      position += step;
    }
    return indices;
  }

  private static void alongRows(
      byte[] in, int height, int width, int channels, byte[] out, Weights weights) {
    int at = 0;
    for (int y = 0; y < height; y++) {
      int row = y * width * channels;
      for (int x = 0; x < weights.first.length; x++) {
        int from = row + weights.first[x] * channels;
        int k = x * weights.stride;
        int count = weights.count[x];
        for (int c = 0; c < channels; c++) {
          int sum = 1 << (PRECISION_BITS - 1);
          for (int s = 0; s < count; s++) {
            sum += (in[from + s * channels + c] & 0xff) * weights.fixed[k + s];
          }
          out[at++] = clamp(sum);
        }
      }
    }
  }

  private static void alongColumns(byte[] in, int rowBytes, byte[] out, Weights weights) {
    int[] sums = new int[rowBytes];
    for (int y = 0; y < weights.first.length; y++) {
      Arrays.fill(sums, 1 << (PRECISION_BITS - 1));
      for (int s = 0; s < weights.count[y]; s++) {
        int from = (weights.first[y] + s) * rowBytes;
        int k = weights.fixed[y * weights.stride + s];
        for (int x = 0; x < rowBytes; x++) {
          sums[x] += (in[from + x] & 0xff) * k;
        }
      }
      for (int x = 0; x < rowBytes; x++) {
        out[y * rowBytes + x] = clamp(sums[x]);
      }
    }
  }

  private static byte clamp(int sum) {
    return (byte) Math.max(0, Math.min(255, sum >> PRECISION_BITS));
  }

  /** Fixed-point weights of one direction. */
  private static final class Weights {
    /** First source sample of each target. */
    final int[] first;

    /** Source samples of each target. */
    final int[] count;

    /** Weights, {@link #stride} entries per target. */
    final int[] fixed;

    final int stride;

    Weights(Filter filter, int size, int newSize) {
      double step = (double) size / newSize;
      double stretch = Math.max(step, 1);
      double reach = filter.radius * stretch;
      stride = (int) Math.ceil(reach) * 2 + 1;
      first = new int[newSize];
      count = new int[newSize];
      fixed = new int[Math.multiplyExact(newSize, stride)];
      double[] w = new double[stride];
      for (int i = 0; i < newSize; i++) {
        double middle = (i + 0.5) * step;
        first[i] = Math.max(0, (int) (middle - reach + 0.5));
        count[i] = Math.min(size, (int) (middle + reach + 0.5)) - first[i];
        double sum = 0;
        for (int s = 0; s < count[i]; s++) {
          w[s] = filter.at((s + first[i] - middle + 0.5) * (1 / stretch));
          sum += w[s];
        }
        for (int s = 0; s < count[i]; s++) {
          double scaled = (sum == 0 ? w[s] : w[s] / sum) * (1 << PRECISION_BITS);
          fixed[i * stride + s] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
        }
      }
    }
  }
}
