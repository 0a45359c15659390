package org.medpruner.testkit;

import org.jspecify.annotations.Nullable;

/**
 * What {@code contextual_merge} gives for N tokens in G segments. Null is an output that the target
 * does not give.
 *
 * @param merged as the features [N, C]: target rows merged, all others copied
 * @param role byte[N], the ROLE constants of {@link org.medpruner.ContextualMerge}
 * @param assignment long[N]: the row that stands for this one; nucleus and target rows name
 *     themselves
 * @param keptIndices long[N]: nucleus and target rows of segment g, ascending, from offsets[g] on,
 *     then -1
 * @param keptCounts long[G]
 * @param flags int[G], bits of {@link org.medpruner.SegmentFlags}
 */
@SuppressWarnings("ArrayRecordComponent")
public record ContextualMergeOutput(
    @Nullable HostTensor merged,
    byte @Nullable [] role,
    long @Nullable [] assignment,
    long @Nullable [] keptIndices,
    long @Nullable [] keptCounts,
    int @Nullable [] flags) {

  /**
   * The features and the roles alone.
   *
   * @param merged as the features [N, C]: target rows merged, all others copied
   * @param role byte[N], the ROLE constants of {@link org.medpruner.ContextualMerge}
   * @return an output whose other rules are reported as unsupported
   */
  public static ContextualMergeOutput of(HostTensor merged, byte[] role) {
    return new ContextualMergeOutput(merged, role, null, null, null, null);
  }
}
