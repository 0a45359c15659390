package org.medpruner.testkit;

/**
 * What a target does with bad input: offsets out of order, rows out of range, shapes that differ.
 */
public enum InputChecks {
  /** Nothing is promised; bad input is not tried. */
  NONE,
  /**
   * An exception, or an answer in which {@link org.medpruner.SegmentFlags#BAD_OFFSETS} is set (in
   * {@code slice_anchor} a count of -1), as a backend answers that does not wait for its device.
   * Rows that no segment covers are nobody's, and no error.
   */
  FLAGGED,
  /** An exception. */
  REFUSED
}
