package org.medpruner.oracle;

/** Ragged compaction in plain Java: what {@code gather_rows.h} says, on rows of bytes. */
public final class GatherRowsOracle {
  private GatherRowsOracle() {}

  /**
   * The op's outputs, as {@link org.medpruner.GatherRows.Outputs} names them.
   *
   * @param packed byte[total * rowBytes]
   * @param packedOffsets long[G + 1]
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(byte[] packed, long[] packedOffsets) {}

  /**
   * The op; arguments are not checked.
   *
   * @param source byte[N * rowBytes]
   * @param rowBytes bytes of a row, whatever its dtype
   * @param indices long[N]: source rows of segment g from offsets[g] on
   * @param counts long[G]: how many of them count
   * @param offsets long[G + 1] over the rows, from 0 to N
   * @return new arrays
   */
  public static Result run(
      byte[] source, int rowBytes, long[] indices, long[] counts, long[] offsets) {
    long[] packedOffsets = new long[offsets.length];
    for (int g = 0; g < counts.length; g++) {
      packedOffsets[g + 1] = packedOffsets[g] + counts[g];
    }
    byte[] packed = new byte[(int) packedOffsets[counts.length] * rowBytes];
    for (int g = 0; g < counts.length; g++) {
      for (int j = 0; j < counts[g]; j++) {
        int from = (int) indices[(int) offsets[g] + j] * rowBytes;
        int to = (int) (packedOffsets[g] + j) * rowBytes;
        System.arraycopy(source, from, packed, to, rowBytes);
      }
    }
    return new Result(packed, packedOffsets);
  }
}
