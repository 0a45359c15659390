package org.medpruner.testkit;

import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.NucleusSelect;

/**
 * Input of {@code nucleus_select}.
 *
 * @param params score, tau, temperature, floors and caps
 * @param scores float[N]
 * @param offsets over the tokens
 * @param volumes null (all segments are one volume), or long[V + 1] over the segments
 */
@SuppressWarnings("ArrayRecordComponent")
public record NucleusSelectInput(
    NucleusSelect.Params params, float[] scores, long[] offsets, long @Nullable [] volumes)
    implements OpInput {
  @Override
  public Op op() {
    return Op.NUCLEUS_SELECT;
  }

  @Override
  public DType dtype() {
    return DType.F32;
  }
}
