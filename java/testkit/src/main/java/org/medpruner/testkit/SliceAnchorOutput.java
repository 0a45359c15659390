package org.medpruner.testkit;

import org.jspecify.annotations.Nullable;

/**
 * What {@code slice_anchor} gives for D slices in G volumes. Null is an output that the target does
 * not give; its rules are reported as unsupported.
 *
 * @param keep byte[D], 1 = kept
 * @param distance float[D], to the anchor; 0 for the first slice of a volume
 * @param representative int[D]: a kept slice names itself, a dropped one its anchor
 * @param keptIndices int[D]: kept slices of volume g, ascending, from offsets[g] on, then -1
 * @param keptCounts int[G]
 * @param flags int[D], bits of {@link org.medpruner.SegmentFlags}
 * @param patchDistance float[D], the largest of a patch; 0 for the first slice of a volume
 * @param patchIndex int[D], the lowest patch of that distance; -1 for the first slice of a volume
 */
@SuppressWarnings("ArrayRecordComponent")
public record SliceAnchorOutput(
    byte @Nullable [] keep,
    float @Nullable [] distance,
    int @Nullable [] representative,
    int @Nullable [] keptIndices,
    int @Nullable [] keptCounts,
    int @Nullable [] flags,
    float @Nullable [] patchDistance,
    int @Nullable [] patchIndex) {

  /**
   * The decisions alone.
   *
   * @param keep byte[D], 1 = kept
   * @return an output whose other rules are reported as unsupported
   */
  public static SliceAnchorOutput ofKeep(byte[] keep) {
    return new SliceAnchorOutput(keep, null, null, null, null, null, null, null);
  }
}
