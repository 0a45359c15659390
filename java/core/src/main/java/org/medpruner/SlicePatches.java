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

  /** Of slices [channels, height, width]. */
  public static SlicePatches planar(
      long channels, long height, long width, long patchHeight, long patchWidth) {
    return new SlicePatches(channels, height, width, patchHeight, patchWidth);
  }

  /** Of slices [height, width, channels], patches in pixels. */
  public static SlicePatches interleaved(
      long height, long width, long channels, long patchHeight, long patchWidth) {
    Check.that(channels >= 1, "channels", channels, ">= 1");
    return new SlicePatches(
        1,
        height,
        Math.multiplyExact(width, channels),
        patchHeight,
        Math.multiplyExact(patchWidth, channels));
  }

  /** Of slices that are patches already, [patches, size]. */
  public static SlicePatches vectors(long patches, long size) {
    return new SlicePatches(1, patches, size, 1, size);
  }

  /** Rows of patches. */
  public long rows() {
    return (height - 1) / patchHeight + 1;
  }

  /** Patches in a row. */
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
