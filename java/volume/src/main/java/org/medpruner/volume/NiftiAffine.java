package org.medpruner.volume;

import java.nio.file.Path;
import java.util.List;

/** The voxel-to-scanner matrix of a NIfTI header: sform, else qform, else the voxel sizes. */
final class NiftiAffine {
  private NiftiAffine() {}

  /**
   * In mm whatever unit the header states (unknown counts as mm).
   *
   * @throws VolumeException when it is not finite
   */
  static double[][] of(Path path, NiftiHeader.Fields f, int[] dims, List<String> warnings) {
    double[][] a = new double[4][4];
    a[3][3] = 1;
    String source;
    if (f.sformCode() > 0) {
      source = "sform";
      for (int i = 0; i < 12; i++) {
        a[i / 4][i % 4] = f.sform(i);
      }
    } else if (f.qformCode() > 0) {
      source = "qform";
      qform(f, a, warnings);
    } else {
      source = "pixdim";
      warnings.add(
          "the file does not say where its axes point (no sform, no qform); left, anterior,"
              + " superior was assumed, as nibabel does: left and right may be swapped");
      // As nibabel: x runs right to left, the centre of the image is the origin.
      for (int i = 0; i < 3; i++) {
        double zoom = zoom(f, i, warnings) * (i == 0 ? -1 : 1);
        a[i][i] = zoom;
        a[i][3] = -zoom * (dims[i] - 1) / 2.0;
      }
    }
    double unit =
        switch (f.spaceUnit()) {
          case 1 -> 1000;
          case 3 -> 0.001;
          default -> 1;
        };
    for (int r = 0; r < 3; r++) {
      for (int c = 0; c < 4; c++) {
        a[r][c] *= unit;
        if (!Double.isFinite(a[r][c])) {
          throw Failures.bad(
              path,
              "the affine ("
                  + source
                  + ") has a value that is not finite; repair the header's orientation");
        }
      }
    }
    return a;
  }

  private static void qform(NiftiHeader.Fields f, double[][] a, List<String> warnings) {
    double b = f.qform(0);
    double c = f.qform(1);
    double d = f.qform(2);
    double rest = 1 - (b * b + c * c + d * d);
    // Within float32's rounding of 1 the turn is a half turn, w = 0, as nibabel takes it.
    double rounding = 3 * Math.ulp(1f);
    double w = rest < rounding ? 0 : Math.sqrt(rest);
    if (rest < -rounding) {
      warnings.add("the qform quaternion is longer than 1 and was normalised");
    }
    double s = 2 / (w * w + b * b + c * c + d * d);
    double[][] r = {
      {1 - s * (c * c + d * d), s * (b * c - w * d), s * (b * d + w * c)},
      {s * (b * c + w * d), 1 - s * (b * b + d * d), s * (c * d - w * b)},
      {s * (b * d - w * c), s * (c * d + w * b), 1 - s * (b * b + c * c)}
    };
    for (int i = 0; i < 3; i++) {
      double zoom = zoom(f, i, warnings) * (i == 2 && f.pixdim(0) == -1 ? -1 : 1);
      for (int row = 0; row < 3; row++) {
        a[row][i] = r[row][i] * zoom;
      }
      a[i][3] = f.qform(3 + i);
    }
  }

  private static double zoom(NiftiHeader.Fields f, int axis, List<String> warnings) {
    double p = f.pixdim(axis + 1);
    if (p == 0) {
      warnings.add("pixdim[" + (axis + 1) + "] is 0; 1 was assumed");
      return 1;
    }
    if (p < 0) {
      warnings.add("pixdim[" + (axis + 1) + "] is negative; its absolute value was taken");
    }
    return Math.abs(p);
  }
}
