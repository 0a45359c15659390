package org.medpruner.testkit;

import org.jspecify.annotations.Nullable;

/**
 * What {@code prune} gives for N tokens in G segments. Null is an output that the target does not
 * give.
 *
 * @param packed as the features [total, C]: the kept rows in order, targets with what was merged
 *     into them
 * @param packedRows long[total]: row of the features each packed row is
 * @param packedOffsets long[G + 1]
 * @param role byte[N], the ROLE constants of {@link org.medpruner.ContextualMerge}
 * @param assignment long[N]: the row that stands for this one
 * @param keptMass double[G]: kept share of the weights
 * @param flags int[G], bits of {@link org.medpruner.SegmentFlags} from any of the steps
 */
@SuppressWarnings("ArrayRecordComponent")
public record PruneOutput(
    @Nullable HostTensor packed,
    long @Nullable [] packedRows,
    long @Nullable [] packedOffsets,
    byte @Nullable [] role,
    long @Nullable [] assignment,
    double @Nullable [] keptMass,
    int @Nullable [] flags) {

  /**
   * The packed features and which rows they are.
   *
   * @param packed as the features [total, C]
   * @param packedRows long[total]: row of the features each packed row is
   * @return an output whose other rules are reported as unsupported
   */
  public static PruneOutput of(HostTensor packed, long[] packedRows) {
    return new PruneOutput(packed, packedRows, null, null, null, null, null);
  }
}
