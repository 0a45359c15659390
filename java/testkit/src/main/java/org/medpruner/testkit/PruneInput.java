package org.medpruner.testkit;

import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.Prune;

/**
 * Input of {@code prune} with given masses: selection, merge and compaction in one call.
 *
 * @param params of the steps
 * @param mass float[N]
 * @param pooledKeys F32 [N, d]
 * @param features F16, BF16 or F32 [N, C]
 * @param offsets over the tokens
 * @param segments null (all stay), or byte[G], 0 = dropped by stage 1
 * @param volumes null (all segments are one volume), or long[V + 1] over the segments
 */
@SuppressWarnings("ArrayRecordComponent")
public record PruneInput(
    Prune.Params params,
    float[] mass,
    HostTensor pooledKeys,
    HostTensor features,
    long[] offsets,
    byte @Nullable [] segments,
    long @Nullable [] volumes)
    implements OpInput {
  @Override
  public Op op() {
    return Op.PRUNE;
  }

  @Override
  public DType dtype() {
    return features.dtype();
  }
}
