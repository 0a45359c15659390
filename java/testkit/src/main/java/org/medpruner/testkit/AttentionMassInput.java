package org.medpruner.testkit;

import org.jspecify.annotations.Nullable;
import org.medpruner.AttentionMass;
import org.medpruner.DType;

/**
 * Input of {@code attention_mass}.
 *
 * @param params pooling and scale
 * @param query F16, BF16 or F32 [N, H, d]
 * @param key as query
 * @param lse null, or float[H * N]: natural log of each query row's sum of exponentials of the
 *     scaled logits. Some cases give other values, finite ones too, and hold the masses to these: a
 *     target that does not take it ends every input that has one in {@link
 *     UnsupportedCaseException}
 * @param offsets over the patches
 */
@SuppressWarnings("ArrayRecordComponent")
public record AttentionMassInput(
    AttentionMass.Params params,
    HostTensor query,
    HostTensor key,
    float @Nullable [] lse,
    long[] offsets)
    implements OpInput {
  @Override
  public Op op() {
    return Op.ATTENTION_MASS;
  }

  @Override
  public DType dtype() {
    return query.dtype();
  }
}
