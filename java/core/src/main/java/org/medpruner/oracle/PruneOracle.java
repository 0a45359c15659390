package org.medpruner.oracle;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.medpruner.ContextualMerge;
import org.medpruner.Prune;

/** Stage 2 in plain Java, put together from the oracles of its steps: what {@code prune.h} says. */
public final class PruneOracle {
  private PruneOracle() {}

  /**
   * The op's outputs but the packed features, as {@link Prune.Outputs} names them.
   *
   * @param merge roles and assignment
   * @param packedRows long[total]
   * @param packedOffsets long[G + 1]
   * @param keptMass double[G]
   * @param flags int[G]
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      ContextualMergeOracle.Result merge,
      long[] packedRows,
      long[] packedOffsets,
      double[] keptMass,
      int[] flags) {}

  /**
   * Selects, merges and lists what is packed; the features follow from {@link #pack} or {@link
   * #packF16} and {@link #packBf16}.
   *
   * @param mass float[N]
   * @param keys float[N * d]
   * @param offsets over the tokens
   * @param segments null, or byte[G], 0 = dropped
   * @param volumes null, or offsets over the segments
   */
  public static Result select(
      Prune.Params params,
      float[] mass,
      float[] keys,
      int d,
      long[] offsets,
      byte @Nullable [] segments,
      long @Nullable [] volumes) {
    NucleusSelectOracle.Result nucleus =
        NucleusSelectOracle.run(params.nucleus(), mass, offsets, volumes);
    ContextualMergeOracle.Result merge =
        ContextualMergeOracle.assign(params.merge(), keys, d, nucleus.mask(), offsets);
    int groups = offsets.length - 1;
    long[] packedRows = new long[mass.length];
    long[] packedOffsets = new long[groups + 1];
    int[] flags = new int[groups];
    int total = 0;
    for (int g = 0; g < groups; g++) {
      boolean dropped = segments != null && segments[g] == 0;
      for (long row = offsets[g]; row < offsets[g + 1]; row++) {
        boolean kept = merge.role()[(int) row] != ContextualMerge.ROLE_MERGED;
        if (kept && (!dropped || row - offsets[g] < params.droppedTokens())) {
          packedRows[total++] = row;
        }
      }
      packedOffsets[g + 1] = total;
      flags[g] = nucleus.flags()[g] | merge.flags()[g];
    }
    return new Result(
        merge, Arrays.copyOf(packedRows, total), packedOffsets, nucleus.keptMass(), flags);
  }

  /** Packed F32 features [total, C]. */
  public static float[] pack(float[] features, int columns, Result result) {
    float[] merged = ContextualMergeOracle.merge(features, columns, result.merge);
    float[] packed = new float[result.packedRows.length * columns];
    for (int i = 0; i < result.packedRows.length; i++) {
      System.arraycopy(merged, (int) result.packedRows[i] * columns, packed, i * columns, columns);
    }
    return packed;
  }

  /** Packed F16 features [total, C], as bits. */
  public static short[] packF16(short[] features, int columns, Result result) {
    return gather(ContextualMergeOracle.mergeF16(features, columns, result.merge), columns, result);
  }

  /** Packed BF16 features [total, C], as bits. */
  public static short[] packBf16(short[] features, int columns, Result result) {
    return gather(
        ContextualMergeOracle.mergeBf16(features, columns, result.merge), columns, result);
  }

  private static short[] gather(short[] merged, int columns, Result result) {
    short[] packed = new short[result.packedRows.length * columns];
    for (int i = 0; i < result.packedRows.length; i++) {
      System.arraycopy(merged, (int) result.packedRows[i] * columns, packed, i * columns, columns);
    }
    return packed;
  }
}
