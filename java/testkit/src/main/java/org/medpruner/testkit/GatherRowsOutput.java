package org.medpruner.testkit;

import org.jspecify.annotations.Nullable;

/**
 * What {@code gather_rows} gives for G segments. Null is an output that the target does not give.
 *
 * @param packed as the source [total, C]
 * @param packedOffsets long[G + 1]: row of {@code packed} where each segment begins
 * @param flags int[G], bits of {@link org.medpruner.SegmentFlags}
 */
@SuppressWarnings("ArrayRecordComponent")
public record GatherRowsOutput(
    @Nullable HostTensor packed, long @Nullable [] packedOffsets, int @Nullable [] flags) {

  /**
   * The rows alone.
   *
   * @param packed as the source [total, C]
   * @return an output whose other rules are reported as unsupported
   */
  public static GatherRowsOutput ofPacked(HostTensor packed) {
    return new GatherRowsOutput(packed, null, null);
  }
}
