package org.medpruner.testkit;

import org.jspecify.annotations.Nullable;

/**
 * What {@code nucleus_select} gives for N tokens in G segments. Null is an output that the target
 * does not give.
 *
 * @param mask byte[N], 1 = in the nucleus
 * @param keptIndices long[N]: rows of segment g's nucleus, ascending, from offsets[g] on, then -1
 * @param keptCounts long[G]
 * @param keptMass double[G]: kept share of the weights; 0 for an empty segment
 * @param flags int[G], bits of {@link org.medpruner.SegmentFlags}
 */
@SuppressWarnings("ArrayRecordComponent")
public record NucleusSelectOutput(
    byte @Nullable [] mask,
    long @Nullable [] keptIndices,
    long @Nullable [] keptCounts,
    double @Nullable [] keptMass,
    int @Nullable [] flags) {

  /**
   * The selection alone.
   *
   * @param mask byte[N], 1 = in the nucleus
   * @return an output whose other rules are reported as unsupported
   */
  public static NucleusSelectOutput ofMask(byte[] mask) {
    return new NucleusSelectOutput(mask, null, null, null, null);
  }
}
