package org.medpruner.volume;

/**
 * Statistics over every voxel of the chosen frame, scaling applied.
 *
 * @param min smallest finite value
 * @param max largest finite value
 * @param finite number of finite values
 * @param nonFinite number of NaN and infinite values
 * @param air number of finite values at or below {@link Modality#AIR_HU}
 */
record VoxelStats(double min, double max, long finite, long nonFinite, long air) {

  /** All channels of {@code voxels} count. */
  static VoxelStats of(VoxelArray voxels) {
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    long finite = 0;
    long air = 0;
    long n = voxels.length();
    int channels = voxels.type().channels;
    for (long i = 0; i < n; i++) {
      for (int c = 0; c < channels; c++) {
        double v = voxels.value(i, c);
        if (Double.isFinite(v)) {
          finite++;
          min = Math.min(min, v);
          max = Math.max(max, v);
          if (v <= Modality.AIR_HU) {
            air++;
          }
        }
      }
    }
    return new VoxelStats(min, max, finite, n * channels - finite, air);
  }
}
