package org.medpruner.volume;

/**
 * The direction in which a volume is cut into slices. Every choice is presented radiologically, on
 * the RAS+ reoriented voxels: each presented index runs against its RAS+ axis.
 */
public enum Axis {
  /** Slices superior to inferior; rows anterior to posterior; columns patient right to left. */
  AXIAL(2, 1, 0),
  /** Slices anterior to posterior; rows superior to inferior; columns patient right to left. */
  CORONAL(1, 2, 0),
  /** Slices patient right to left; rows superior to inferior; columns anterior to posterior. */
  SAGITTAL(0, 2, 1);

  /** RAS+ axis (0 x, 1 y, 2 z) that the slices, the rows and the columns run along. */
  final int slice;

  final int row;
  final int column;

  Axis(int slice, int row, int column) {
    this.slice = slice;
    this.row = row;
    this.column = column;
  }
}
