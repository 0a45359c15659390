package org.medpruner.testkit;

import org.medpruner.ContextualMerge;
import org.medpruner.DType;

/**
 * Input of {@code contextual_merge}.
 *
 * @param params the ratio
 * @param features F16, BF16 or F32 [N, C]
 * @param keys F32 [N, d]
 * @param nucleus byte[N], nonzero = in the nucleus
 * @param offsets over the tokens
 */
@SuppressWarnings("ArrayRecordComponent")
public record ContextualMergeInput(
    ContextualMerge.Params params,
    HostTensor features,
    HostTensor keys,
    byte[] nucleus,
    long[] offsets)
    implements OpInput {
  @Override
  public Op op() {
    return Op.CONTEXTUAL_MERGE;
  }

  @Override
  public DType dtype() {
    return features.dtype();
  }
}
