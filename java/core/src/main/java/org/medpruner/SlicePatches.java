package org.medpruner;

/**
 * How the values of a slice lie in patches, for the guard of {@link SliceAnchor} that sees what is
 * small. A slice is {@code channels} planes of [height, width] values; a patch holds the same rows
 * and columns of every plane. At the lower and right edge a patch holds what is left, and its mean
 * is over that. Patches are numbered row by row.
 *
 * @param channels planes, at least 1
 * @param height rows of a plane, at least 1
 * @param width values of a row, at least 1
 * @param patchHeight rows of a patch, at least 1
 * @param patchWidth values of a row of a patch, at least 1; patchHeight x patchWidth is at most
 *     65536
 */
public record SlicePatches(
    long channels, long height, long width, long patchHeight, long patchWidth) {
  private static final long MOST_VALUES = 65536;

  /** Checks the ranges. */
  public SlicePatches {
    Check.that(channels >= 1, "channels", channels, ">= 1");
    Check.that(height >= 1, "height", height, ">= 1");
    Check.that(width >= 1, "width", width, ">= 1");
    Check.that(patchHeight >= 1, "patchHeight", patchHeight, ">= 1");
    Check.that(patchWidth >= 1, "patchWidth", patchWidth, ">= 1");
    Check.that(
        patchHeight <= MOST_VALUES && patchWidth <= MOST_VALUES / patchHeight,
        "patchHeight x patchWidth",
        patchHeight + " x " + patchWidth,
        "at most " + MOST_VALUES);
  }

  /**
   * Patches of slices [channels, height, width].
   *
   * @param channels planes, at least 1
   * @param height rows of a plane, at least 1
   * @param width values of a row, at least 1
   * @param patchHeight rows of a patch, at least 1
   * @param patchWidth values of a row of a patch, at least 1
   * @return patches that hold the same rows and columns of every plane
   * @throws IllegalArgumentException if a value is out of range, or patchHeight x patchWidth is
   *     above 65536
   */
  public static SlicePatches planar(
      long channels, long height, long width, long patchHeight, long patchWidth) {
    return new SlicePatches(channels, height, width, patchHeight, patchWidth);
  }

  /**
   * Patches of slices [height, width, channels], as pictures have them.
   *
   * @param height rows of pixels, at least 1
   * @param width pixels of a row, at least 1
   * @param channels values of a pixel, at least 1
   * @param patchHeight rows of a patch, at least 1
   * @param patchWidth pixels of a row of a patch, at least 1
   * @return patches of one plane, whose width and patch width are counted in values
   * @throws IllegalArgumentException if a value is out of range, or patchHeight x patchWidth x
   *     channels is above 65536, or a width in values overflows 64 bits
   */
  public static SlicePatches interleaved(
      long height, long width, long channels, long patchHeight, long patchWidth) {
    Check.that(channels >= 1, "channels", channels, ">= 1");
    return new SlicePatches(
        1,
        height,
        values("width", width, channels),
        patchHeight,
        values("patchWidth", patchWidth, channels));
  }

  private static long values(String name, long pixels, long channels) {
    Check.that(pixels >= 1, name, pixels, ">= 1");
    Check.that(
        pixels <= Long.MAX_VALUE / channels,
        name,
        pixels,
        "at most 2^63 - 1 values of " + channels + " channels");
    return pixels * channels;
  }

  /**
   * Patches of slices that are patches already, [patches, size].
   *
   * @param patches of a slice, at least 1
   * @param size values of a patch, 1 to 65536
   * @return patches of one row of values each
   * @throws IllegalArgumentException if a value is out of range
   */
  public static SlicePatches vectors(long patches, long size) {
    return new SlicePatches(1, patches, size, 1, size);
  }

  /** {@return rows of patches, a last one that is cut off included} */
  public long rows() {
    return (height - 1) / patchHeight + 1;
  }

  /** {@return patches in a row, a last one that is cut off included} */
  public long columns() {
    return (width - 1) / patchWidth + 1;
  }

  /** Values of a slice. */
  long size() {
    try {
      return Math.multiplyExact(Math.multiplyExact(channels, height), width);
    } catch (ArithmeticException e) {
      throw Check.bad("patches", "the size of a slice overflows 64 bits");
    }
  }
}
