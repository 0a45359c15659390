package org.medpruner;

/** Bounds on the gap between kept slices, from millimetres to slices. */
final class SliceGaps {
  private SliceGaps() {}

  /** What {@link PruningPolicy#maxGap(double, double[])} gives. */
  static long bound(PruningPolicy policy, double spacingMm, double[] positionsMm) {
    if (policy.maxGapMm() == 0) {
      return policy.maxGapSlices();
    }
    if (!(spacingMm > 0)) {
      throw new IllegalArgumentException(
          "maxGapMm = "
              + policy.maxGapMm()
              + ", but the spacing of the slices is unknown; use maxGapSlices");
    }
    long slices = within(policy.maxGapMm(), spacingMm, positionsMm);
    return policy.maxGapSlices() == 0 ? slices : Math.min(policy.maxGapSlices(), slices);
  }

  /**
   * As many slices as are never further apart than so many millimetres, at least one.
   *
   * @param spacingMm mean distance of neighbouring slices, &gt; 0
   * @param positionsMm of each slice, as {@link PruningPolicy#maxGap(double, double[])} takes them
   */
  private static long within(double maxGapMm, double spacingMm, double[] positionsMm) {
    // Spacings come as f32 from most files: 5 mm may read 5.0000001, which must still be one gap.
    double most = maxGapMm * (1 + 1e-6);
    double[] steps = steps(spacingMm, positionsMm);
    long slices = (long) Math.floor(most / spacingMm);
    while (slices > 1 && longest(steps, slices) > most) {
      slices = Math.min(slices, steps.length) - 1;
    }
    return Math.max(1, slices);
  }

  /** Distances of neighbours; none where they are not known one by one. */
  private static double[] steps(double spacingMm, double[] positionsMm) {
    double[] steps = new double[Math.max(0, positionsMm.length - 1)];
    double sum = 0;
    for (int i = 0; i < steps.length; i++) {
      steps[i] = Math.abs(positionsMm[i + 1] - positionsMm[i]);
      sum += steps[i];
    }
    if (!(sum > 0 && Double.isFinite(sum))) {
      return new double[0];
    }
    // Along an axis of the scanner, slices of an oblique volume are nearer than they are.
    double scale = Math.max(1, spacingMm * steps.length / sum);
    for (int i = 0; i < steps.length; i++) {
      steps[i] *= scale;
    }
    return steps;
  }

  /** Longest sum of so many steps in a row, or of all where there are fewer. */
  private static double longest(double[] steps, long count) {
    double longest = 0;
    double sum = 0;
    for (int i = 0; i < steps.length; i++) {
      sum += steps[i] - (i >= count ? steps[(int) (i - count)] : 0);
      longest = Math.max(longest, sum);
    }
    return longest;
  }
}
