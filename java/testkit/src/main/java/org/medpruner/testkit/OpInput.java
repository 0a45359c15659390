package org.medpruner.testkit;

import org.medpruner.DType;

/**
 * What an op is called with: a ragged batch of segments, of which segment g has the rows from
 * {@code offsets[g]} to {@code offsets[g + 1] - 1}. A target must not write to the arrays: each
 * call has its own, which are compared with what they were. The cases of refusals hold values that
 * break these rules.
 */
public sealed interface OpInput
    permits SliceAnchorInput,
        AttentionMassInput,
        NucleusSelectInput,
        ContextualMergeInput,
        GatherRowsInput,
        PruneInput {
  /** {@return the op that is called with it} */
  Op op();

  /** {@return the dtype that a target has to support for it, one of {@link Op#dtypes}} */
  DType dtype();

  /** {@return long[G + 1], ascending from 0 to the number of rows; not a copy} */
  long[] offsets();
}
