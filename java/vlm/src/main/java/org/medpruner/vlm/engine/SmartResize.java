package org.medpruner.vlm.engine;

/**
 * The size to which processors of the Qwen2-VL line resize a picture: sides that are multiples of a
 * factor, an area between two bounds, and an aspect ratio close to the picture's.
 *
 * @param factor what the sides are multiples of, &gt;= 1
 * @param minPixels least area
 * @param maxPixels largest area
 * @param least what a side that rounds to nothing becomes before the area is looked at: 0 in
 *     transformers, the factor in qwen-vl-utils
 */
public record SmartResize(int factor, long minPixels, long maxPixels, int least) {
  /** Longest side over shortest side from which on a picture is refused. */
  private static final int MAX_RATIO = 200;

  /**
   * A size.
   *
   * @param height rows
   * @param width columns
   */
  public record Size(int height, int width) {}

  /** Checks the bounds. */
  public SmartResize {
    if (factor < 1 || minPixels < 1 || maxPixels < minPixels || least < 0) {
      throw new IllegalArgumentException(
          "factor "
              + factor
              + ", pixels "
              + minPixels
              + " to "
              + maxPixels
              + ", least side "
              + least
              + ": factor and pixels must be >= 1, the bounds in order");
    }
  }

  /** As transformers does it. */
  public SmartResize(int factor, long minPixels, long maxPixels) {
    this(factor, minPixels, maxPixels, 0);
  }

  /**
   * The size of a picture.
   *
   * @throws IllegalArgumentException if one side is more than 200 times as long as the other
   */
  public Size of(int height, int width) {
    if (Math.max(height, width) > (long) MAX_RATIO * Math.min(height, width)) {
      throw new IllegalArgumentException(
          "slices of "
              + height
              + " x "
              + width
              + " pixels: one side is more than "
              + MAX_RATIO
              + " times as long as the other, which the model's processor refuses");
    }
    // Python's round, to even; doubles as there, because a side on the edge decides a whole row.
    long high = Math.max(least, (long) Math.rint(height / (double) factor) * factor);
    long wide = Math.max(least, (long) Math.rint(width / (double) factor) * factor);
    if (high * wide > maxPixels) {
      double shrink = Math.sqrt((double) height * width / maxPixels);
      high = Math.max(factor, (long) Math.floor(height / shrink / factor) * factor);
      wide = Math.max(factor, (long) Math.floor(width / shrink / factor) * factor);
    } else if (high * wide < minPixels) {
      double grow = Math.sqrt(minPixels / ((double) height * width));
      high = (long) Math.ceil(height * grow / factor) * factor;
      wide = (long) Math.ceil(width * grow / factor) * factor;
    }
    return new Size(Math.toIntExact(high), Math.toIntExact(wide));
  }
}
