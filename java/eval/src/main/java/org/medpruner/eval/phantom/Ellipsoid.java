package org.medpruner.eval.phantom;

/**
 * An axis-aligned ellipsoid in mm from the volume's centre: x to the patient's left, y to the back,
 * z downwards, which is how a presented slice and the order of slices run.
 */
record Ellipsoid(double x, double y, double z, double rx, double ry, double rz) {
  /** No limit along an axis. */
  static final double EVERYWHERE = 1e9;

  boolean contains(double px, double py, double pz) {
    double dx = (px - x) / rx;
    double dy = (py - y) / ry;
    double dz = (pz - z) / rz;
    return dx * dx + dy * dy + dz * dz < 1;
  }
}
