package org.medpruner.testkit;

import org.medpruner.DType;
import org.medpruner.SliceAnchor;

/**
 * Input of {@code slice_anchor}, and of its form with patches where {@code params.patches()} is
 * there.
 *
 * @param params what decides; never {@code decideOnly}
 * @param slices U8, I16, F16, BF16 or F32 [D, S]
 * @param offsets over the slices, one segment per volume
 */
@SuppressWarnings("ArrayRecordComponent")
public record SliceAnchorInput(SliceAnchor.Params params, HostTensor slices, long[] offsets)
    implements OpInput {
  @Override
  public Op op() {
    return Op.SLICE_ANCHOR;
  }

  @Override
  public DType dtype() {
    return slices.dtype();
  }
}
