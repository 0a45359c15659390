package org.medpruner.volume;

import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

/**
 * A 3-D image, immutable and safe to share between threads. Indices (x, y, z) are RAS+: x grows
 * towards the patient's right, y towards anterior, z towards superior, whatever the order of the
 * axes in the file; the voxels stay as stored and indices are mapped on access.
 *
 * <p>A folder of pictures, a NumPy array, or DICOM without positions, carries no orientation. It is
 * taken as axial pictures in the presented orientation (see {@link Axis#AXIAL}), so its slices are
 * the files in order, unturned; spacing, affine and positions are NaN.
 */
public final class Volume {
  private final VoxelArray voxels;
  private final VoxelStats stats;
  private final int[] shape = new int[3];
  private final double[] spacing = new double[3];
  private final double[][] affine;
  private final double[][] deviations;
  private final boolean[] flipped = new boolean[3];
  private final boolean oriented;

  /** The axis along which the file's third one runs. */
  private final int sliceAxis;

  private final Provenance provenance;
  private final long base;
  private final long[] strides = new long[3];

  /**
   * Maps file order to RAS+.
   *
   * @param fileShape the three spatial dimensions of the file, fastest first
   * @param fileAffine rows x, y, z of the file's voxel-to-scanner matrix in mm; NaN when unknown
   * @param deviations for each slice along the file's third axis how far, in mm along x, y, z, it
   *     lies from where the affine puts it; empty when none does
   * @param oriented whether the file says where its axes point
   */
  Volume(
      VoxelArray voxels,
      VoxelStats stats,
      int[] fileShape,
      double[][] fileAffine,
      double[][] deviations,
      Orientation orientation,
      boolean oriented,
      Provenance provenance) {
    this.voxels = voxels;
    this.stats = stats;
    this.deviations = deviations;
    this.oriented = oriented;
    this.provenance = provenance;
    this.affine = orientation.reorient(fileAffine, fileShape);
    long[] fileStrides = {1, fileShape[0], (long) fileShape[0] * fileShape[1]};
    long origin = 0;
    for (int a = 0; a < 3; a++) {
      int f = orientation.fileAxis(a);
      flipped[a] = orientation.flipped(a);
      shape[a] = fileShape[f];
      spacing[a] = Orientation.columnNorm(affine, a);
      strides[a] = flipped[a] ? -fileStrides[f] : fileStrides[f];
      origin += flipped[a] ? fileStrides[f] * (fileShape[f] - 1) : 0;
    }
    this.base = origin;
    int along = 0;
    while (orientation.fileAxis(along) != 2) {
      along++;
    }
    this.sliceAxis = along;
  }

  /** {@return voxels along x (right), y (anterior), z (superior); a fresh array of three} */
  public int[] shape() {
    return shape.clone();
  }

  /**
   * {@return millimetres between neighbouring voxels along x, y, z; NaN when unknown; a fresh
   * array}
   */
  public double[] spacingMm() {
    return spacing.clone();
  }

  /**
   * {@return the matrix from voxel indices to scanner coordinates in mm (RAS+), row-major 4x4; NaN
   * for a folder; a fresh array}
   */
  public double[][] affine() {
    return Arrays.stream(affine).map(double[]::clone).toArray(double[][]::new);
  }

  /** {@return 3 for colour (RGB), else 1} */
  public int channels() {
    return voxels.type().channels;
  }

  /**
   * The value of a voxel of the first channel, the file's scaling applied in float64.
   *
   * @param x index towards the patient's right
   * @param y index towards anterior
   * @param z index towards superior
   * @return the value, HU of a CT; may be NaN or infinite
   * @throws IndexOutOfBoundsException when an index is outside {@link #shape}
   */
  public double value(int x, int y, int z) {
    return value(x, y, z, 0);
  }

  /**
   * The value of one channel of a voxel, the file's scaling applied in float64.
   *
   * @param x index towards the patient's right
   * @param y index towards anterior
   * @param z index towards superior
   * @param channel below {@link #channels}: 0 red or grey, 1 green, 2 blue
   * @return the value; may be NaN or infinite
   * @throws IndexOutOfBoundsException when an index is outside {@link #shape}, or there is no such
   *     channel
   */
  public double value(int x, int y, int z, int channel) {
    Objects.checkIndex(x, shape[0]);
    Objects.checkIndex(y, shape[1]);
    Objects.checkIndex(z, shape[2]);
    Objects.checkIndex(channel, channels());
    return voxels.value(base + x * strides[0] + y * strides[1] + z * strides[2], channel);
  }

  /** {@return the smallest finite value of the frame that was read, over all channels} */
  public double min() {
    return stats.min();
  }

  /** {@return the largest finite value of the frame that was read, over all channels} */
  public double max() {
    return stats.max();
  }

  /** {@return the number of NaN and infinite values; they become black in every picture} */
  public long nonFinite() {
    return stats.nonFinite();
  }

  /** {@return where it comes from, and the warnings} */
  public Provenance provenance() {
    return provenance;
  }

  /** {@return axial slices in the usual order: {@link #slices(Axis, boolean)}} */
  public SliceStack slices() {
    return slices(Axis.AXIAL, false);
  }

  /**
   * Cuts into slices, presented as {@link Axis} says.
   *
   * @param axis the slices are taken along
   * @param reverse present them in the opposite order (each picture stays as it is)
   * @return all slices along the axis; no voxel is copied
   * @throws VolumeException for pictures without a position along anything but {@link Axis#AXIAL}
   */
  public SliceStack slices(Axis axis, boolean reverse) {
    if (!oriented && axis != Axis.AXIAL) {
      throw Failures.bad(
          provenance.path(),
          "without positions the input has no orientation, so it cannot be cut "
              + axis.name().toLowerCase(Locale.ROOT)
              + "; leave the axis at axial (the files in order) or give a NIfTI file");
    }
    return SliceStack.all(this, axis, reverse);
  }

  VoxelArray voxels() {
    return voxels;
  }

  VoxelStats stats() {
    return stats;
  }

  int size(int axis) {
    return shape[axis];
  }

  double spacing(int axis) {
    return spacing[axis];
  }

  /** Position in {@link #voxels} of RAS+ index 0 on every axis. */
  long base() {
    return base;
  }

  long stride(int axis) {
    return strides[axis];
  }

  /** RAS+ index to the file's own index along the same axis. */
  int sourceIndex(int axis, int index) {
    return flipped[axis] ? shape[axis] - 1 - index : index;
  }

  /** Scanner coordinate {@code axis} of the centre of the plane {@code index} along it. */
  double position(int axis, int index) {
    double p = affine[axis][3];
    if (deviations.length > 0 && sliceAxis == axis) {
      p += deviations[sourceIndex(axis, index)][axis];
    }
    for (int a = 0; a < 3; a++) {
      p += affine[axis][a] * (a == axis ? index : (shape[a] - 1) / 2.0);
    }
    return p;
  }
}
