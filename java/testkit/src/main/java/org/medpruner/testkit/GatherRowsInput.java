package org.medpruner.testkit;

import org.medpruner.DType;

/**
 * Input of {@code gather_rows}.
 *
 * @param source any dtype [N, C]
 * @param indices long[N]: source rows of segment g from offsets[g] on
 * @param counts long[G]: how many of them count
 * @param offsets over the rows
 */
@SuppressWarnings("ArrayRecordComponent")
public record GatherRowsInput(HostTensor source, long[] indices, long[] counts, long[] offsets)
    implements OpInput {
  @Override
  public Op op() {
    return Op.GATHER_ROWS;
  }

  @Override
  public DType dtype() {
    return source.dtype();
  }
}
