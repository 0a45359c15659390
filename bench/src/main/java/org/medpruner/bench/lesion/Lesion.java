package org.medpruner.bench.lesion;

/**
 * A sphere that shifts the grey values of what it replaces.
 *
 * @param x mm from the left edge of the pictures
 * @param y mm from their upper edge
 * @param z mm along the slicing axis
 * @param diameterMm of the sphere
 * @param shift added to the grey values, of 255
 */
record Lesion(double x, double y, double z, double diameterMm, double shift) {
  /** Points per axis that a voxel's share inside the sphere is estimated from. */
  private static final int POINTS = 4;

  /** Whether the plane in the middle of a slice cuts the sphere. */
  boolean cuts(double sliceZ) {
    return Math.abs(sliceZ - z) < diameterMm / 2;
  }

  /**
   * Share of a voxel that lies inside, so that edges are as soft as a scanner makes them.
   *
   * @param dx size of the voxel in mm, as dy and dz; the first three are its centre
   */
  double share(double px, double py, double pz, double dx, double dy, double dz) {
    double r = diameterMm / 2;
    if (Math.abs(px - x) > r + dx / 2
        || Math.abs(py - y) > r + dy / 2
        || Math.abs(pz - z) > r + dz / 2) {
      return 0;
    }
    int inside = 0;
    for (int i = 0; i < POINTS; i++) {
      double ex = px + ((i + 0.5) / POINTS - 0.5) * dx - x;
      for (int j = 0; j < POINTS; j++) {
        double ey = py + ((j + 0.5) / POINTS - 0.5) * dy - y;
        for (int k = 0; k < POINTS; k++) {
          double ez = pz + ((k + 0.5) / POINTS - 0.5) * dz - z;
          inside += ex * ex + ey * ey + ez * ez <= r * r ? 1 : 0;
        }
      }
    }
    return (double) inside / (POINTS * POINTS * POINTS);
  }
}
