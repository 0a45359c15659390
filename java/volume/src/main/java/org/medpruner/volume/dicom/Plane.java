package org.medpruner.volume.dicom;

import org.jspecify.annotations.Nullable;

/** Where a picture lies in the patient: LPS coordinates in mm. Immutable. */
final class Plane {
  /** Cosines of two planes of one stack differ by rounding only. */
  private static final double SAME_DIRECTION = 1e-3;

  /** Relative difference between the pixel sizes of one stack. */
  private static final double SAME_SPACING = 1e-3;

  /** Beyond 10 m there is no patient. */
  private static final double MAX_MM = 1e4;

  /** How far from unit length and from a right angle the cosines may be. */
  private static final double MAX_SKEW = 1e-2;

  /** Centre of the first pixel. */
  final double[] origin;

  /** Unit vector along a row: the direction in which columns count. */
  final double[] alongRow;

  /** Unit vector along a column. */
  final double[] alongColumn;

  /** Unit vector at a right angle to both, the way slices count. */
  final double[] normal;

  /** Between the pixels of a row. */
  final double columnSpacing;

  /** Between the pixels of a column. */
  final double rowSpacing;

  /** Whether the header states the two; 1 mm is assumed where it does not. */
  final boolean spacingStated;

  private Plane(
      double[] origin,
      double[] alongRow,
      double[] alongColumn,
      double columnSpacing,
      double rowSpacing,
      boolean spacingStated) {
    this.origin = origin;
    this.alongRow = alongRow;
    this.alongColumn = alongColumn;
    this.normal = Vec.unit(Vec.cross(alongRow, alongColumn));
    this.columnSpacing = columnSpacing;
    this.rowSpacing = rowSpacing;
    this.spacingStated = spacingStated;
  }

  /**
   * Checks what the header states.
   *
   * @param position ImagePositionPatient
   * @param cosines ImageOrientationPatient
   * @param stated PixelSpacing: between rows, then between columns; without it slices still have
   *     their order and their orientation
   * @return null when position or orientation is missing
   * @throws DicomException when they describe no plane
   */
  static @Nullable Plane of(
      double @Nullable [] position, double @Nullable [] cosines, double @Nullable [] stated)
      throws DicomException {
    if (position == null || cosines == null) {
      return null;
    }
    double[] spacing = stated == null ? new double[] {1, 1} : stated;
    double[] row = {cosines[0], cosines[1], cosines[2]};
    double[] column = {cosines[3], cosines[4], cosines[5]};
    boolean unit =
        Math.abs(Vec.norm(row) - 1) <= MAX_SKEW && Math.abs(Vec.norm(column) - 1) <= MAX_SKEW;
    if (!unit || Math.abs(Vec.dot(row, column)) > MAX_SKEW) {
      throw new DicomException(
          "the image orientation is not two unit vectors at a right angle; export the series"
              + " again");
    }
    for (double p : position) {
      if (Math.abs(p) > MAX_MM) {
        throw new DicomException(
            "the image position is more than 10 m away; export the series again");
      }
    }
    for (double s : spacing) {
      if (!(s > 0) || s > MAX_MM) {
        throw new DicomException(
            "the pixel spacing is not positive, or more than 10 m; export the series again");
      }
    }
    return new Plane(
        position, Vec.unit(row), Vec.unit(column), spacing[1], spacing[0], stated != null);
  }

  /** Whether both point the same way with pixels of the same size. */
  boolean isParallel(Plane other) {
    for (int i = 0; i < 3; i++) {
      if (Math.abs(alongRow[i] - other.alongRow[i]) > SAME_DIRECTION
          || Math.abs(alongColumn[i] - other.alongColumn[i]) > SAME_DIRECTION) {
        return false;
      }
    }
    return Math.abs(columnSpacing - other.columnSpacing) <= SAME_SPACING * columnSpacing
        && Math.abs(rowSpacing - other.rowSpacing) <= SAME_SPACING * rowSpacing;
  }
}
