package org.medpruner.volume;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Which file axis becomes which RAS+ axis. Immutable. */
final class Orientation {
  /**
   * Columns to the left, rows to posterior, slices to inferior: how axial slices are presented, for
   * pictures that do not say how they lie.
   */
  static final Orientation AS_PRESENTED =
      new Orientation(new int[] {0, 1, 2}, new boolean[] {true, true, true});

  /** The same of an array that is stored in Fortran order, slices fastest and columns slowest. */
  static final Orientation AS_PRESENTED_FORTRAN =
      new Orientation(new int[] {2, 1, 0}, new boolean[] {true, true, true});

  private final int[] fileAxis;
  private final boolean[] flipped;

  /**
   * For each RAS+ axis (x right, y anterior, z superior).
   *
   * @param fileAxis the file axis along it
   * @param flipped whether that file axis runs against it
   */
  Orientation(int[] fileAxis, boolean[] flipped) {
    this.fileAxis = fileAxis.clone();
    this.flipped = flipped.clone();
  }

  int fileAxis(int axis) {
    return fileAxis[axis];
  }

  boolean flipped(int axis) {
    return flipped[axis];
  }

  /**
   * The permutation and flips nearest to {@code affine} (rows x, y, z, 4 columns), as nibabel's
   * io_orientation chooses them: the rotation part (polar factor of the columns scaled to length
   * one) is read strongest column first, each taking the free row of its largest entry.
   *
   * @return null when the three columns do not span space
   */
  static @Nullable Orientation of(double[][] affine) {
    double[][] m = new double[3][3];
    for (int c = 0; c < 3; c++) {
      double norm = columnNorm(affine, c);
      if (!(norm > 0) || !Double.isFinite(norm)) {
        return null;
      }
      for (int r = 0; r < 3; r++) {
        m[r][c] = affine[r][c] / norm;
      }
    }
    // Columns have length one, so the determinant is the volume they span: 1 for a rotation.
    // Below 1e-6 the columns lie in a plane within float32's precision.
    if (!(Math.abs(determinant(m)) > 1e-6)) {
      return null;
    }
    double[][] r = polar(m);
    Integer[] order = {0, 1, 2};
    double[] strength = new double[3];
    for (int c = 0; c < 3; c++) {
      for (int i = 0; i < 3; i++) {
        strength[c] = Math.max(strength[c], r[i][c] * r[i][c]);
      }
    }
    Arrays.sort(order, (a, b) -> Double.compare(strength[b], strength[a]));
    int[] fileAxis = new int[3];
    boolean[] flipped = new boolean[3];
    boolean[] taken = new boolean[3];
    for (int column : order) {
      int best = -1;
      for (int i = 0; i < 3; i++) {
        if (!taken[i] && (best < 0 || Math.abs(r[i][column]) > Math.abs(r[best][column]))) {
          best = i;
        }
      }
      taken[best] = true;
      fileAxis[best] = column;
      flipped[best] = r[best][column] < 0;
    }
    return new Orientation(fileAxis, flipped);
  }

  /** "RAS" when the file axes point right, anterior, superior; one letter per file axis. */
  String code() {
    char[] letters = new char[3];
    for (int a = 0; a < 3; a++) {
      letters[fileAxis[a]] = (flipped[a] ? "LPI" : "RAS").charAt(a);
    }
    return new String(letters);
  }

  /** The affine of the reoriented voxels: the same points in space, RAS+ indices. */
  double[][] reorient(double[][] affine, int[] fileShape) {
    double[][] out = new double[4][4];
    for (int r = 0; r < 3; r++) {
      out[r][3] = affine[r][3];
      for (int a = 0; a < 3; a++) {
        double v = affine[r][fileAxis[a]];
        out[r][a] = flipped[a] ? -v : v;
        if (flipped[a]) {
          out[r][3] += v * (fileShape[fileAxis[a]] - 1);
        }
      }
    }
    out[3][3] = 1;
    return out;
  }

  static double columnNorm(double[][] m, int c) {
    return Math.sqrt(m[0][c] * m[0][c] + m[1][c] * m[1][c] + m[2][c] * m[2][c]);
  }

  /** Nearest orthogonal matrix by Newton's iteration X = (X + X^-T) / 2, quadratic at the end. */
  private static double[][] polar(double[][] m) {
    double[][] x = m;
    for (int step = 0; step < 60; step++) {
      double det = determinant(x);
      double[][] next = new double[3][3];
      double change = 0;
      for (int r = 0; r < 3; r++) {
        for (int c = 0; c < 3; c++) {
          next[r][c] = 0.5 * (x[r][c] + cofactor(x, r, c) / det);
          change = Math.max(change, Math.abs(next[r][c] - x[r][c]));
        }
      }
      x = next;
      if (change < 1e-15) {
        break;
      }
    }
    return x;
  }

  private static double determinant(double[][] m) {
    return m[0][0] * cofactor(m, 0, 0) + m[0][1] * cofactor(m, 0, 1) + m[0][2] * cofactor(m, 0, 2);
  }

  private static double cofactor(double[][] m, int r, int c) {
    int r1 = (r + 1) % 3;
    int r2 = (r + 2) % 3;
    int c1 = (c + 1) % 3;
    int c2 = (c + 2) % 3;
    return m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1];
  }
}
