package org.medpruner.volume;

/** What kind of values a volume holds; decides which {@link Recipe} suits it. */
public enum Modality {
  /** Decide by {@link #detect}; ready-made pictures (a folder, RGB voxels) stay as they are. */
  AUTO,
  /** Hounsfield units. */
  CT,
  /** Arbitrary intensities. */
  MRI;

  /** Values at or below this count as air; no soft tissue or fat of a CT lies there. */
  static final double AIR_HU = -500;

  /** A CT shows at least this share of air: the background or the lungs. */
  static final double MIN_AIR_SHARE = 0.01;

  /**
   * Guesses the modality from the values: {@link #CT} when at least 1 % of the voxels lie at or
   * below -500 (air in Hounsfield units), some value lies above -500 and all of them lie within
   * int16's range; {@link #MRI} otherwise. A CT stored with an offset (air at 0) is taken for an
   * MRI: say {@link #CT} yourself and mind the offset.
   *
   * @param volume whose header is not asked, only its values
   * @return {@link #CT} or {@link #MRI}, never {@link #AUTO}
   */
  public static Modality detect(Volume volume) {
    VoxelStats stats = volume.stats();
    boolean int16Like = stats.min() >= Short.MIN_VALUE && stats.max() <= Short.MAX_VALUE;
    boolean air = airShare(stats) >= MIN_AIR_SHARE;
    return int16Like && air && stats.max() > AIR_HU ? CT : MRI;
  }

  static double airShare(VoxelStats stats) {
    return stats.finite() == 0 ? 0 : (double) stats.air() / stats.finite();
  }
}
