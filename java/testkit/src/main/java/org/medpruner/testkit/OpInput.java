package org.medpruner.testkit;

import org.medpruner.DType;

/**
 * What an op is called with: a ragged batch of segments, of which segment g has the rows from
 * {@code offsets[g]} to {@code offsets[g + 1] - 1}. The arrays are the suite's: a target must not
 * write to them. The cases of refusals hold values that break these rules.
 */
public sealed interface OpInput
    permits SliceAnchorInput,
        AttentionMassInput,
        NucleusSelectInput,
        ContextualMergeInput,
        GatherRowsInput,
        PruneInput {
  /** The op. */
  Op op();

  /** The dtype that a target has to support for it. */
  DType dtype();

  /** long[G + 1], ascending from 0 to the number of rows. */
  long[] offsets();
}
