package org.medpruner;

/** Bits of the flags that ops write per slice or per segment. */
public final class SegmentFlags {
  private SegmentFlags() {}

  /** A NaN or an infinity was met; what that does is said at the op. */
  public static final int NON_FINITE = 1;

  /** The MASS score met a negative value; the segment is kept whole. */
  public static final int NEGATIVE_MASS = 2;

  /** A key of zero or non-finite norm was met; its similarities count as 0. */
  public static final int ZERO_KEY = 4;

  /** CUDA only: the segment's offsets are out of order or out of range; it was skipped. */
  public static final int BAD_OFFSETS = 8;

  /** CUDA only: the output has too few rows; nothing was written past its end. */
  public static final int CAPACITY = 16;
}
