package org.medpruner.volume.dicom;

import org.jspecify.annotations.Nullable;

/** What may differ between the frames of one object. */
final class FrameInfo {
  /** 0-based number of the frame in its file. */
  final int frame;

  /** Where it lies; null when the header does not say. */
  final @Nullable Plane plane;

  /** Stored value times {@code slope} plus {@code intercept} is the value. */
  final double slope;

  final double intercept;

  /**
   * What tells frames of one plane apart: temporal index, echo time, then the dimension indices.
   * That of the position is among those, and the same for all of a plane.
   */
  final double[] frameOrder;

  FrameInfo(int frame, @Nullable Plane plane, double slope, double intercept, double[] frameOrder) {
    this.frame = frame;
    this.plane = plane;
    this.slope = slope;
    this.intercept = intercept;
    this.frameOrder = frameOrder;
  }
}
