package org.medpruner.volume.dicom;

/** Vectors of three. */
final class Vec {
  private Vec() {}

  static double dot(double[] a, double[] b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  }

  static double norm(double[] a) {
    return Math.sqrt(dot(a, a));
  }

  static double[] cross(double[] a, double[] b) {
    return new double[] {
      a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    };
  }

  /** a + f b. */
  static double[] add(double[] a, double f, double[] b) {
    return new double[] {a[0] + f * b[0], a[1] + f * b[1], a[2] + f * b[2]};
  }

  static double[] unit(double[] a) {
    double n = norm(a);
    return new double[] {a[0] / n, a[1] / n, a[2] / n};
  }
}
