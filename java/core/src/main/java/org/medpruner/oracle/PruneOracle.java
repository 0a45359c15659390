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
   * #packF16} and {@link #packBf16}. Arguments are not checked.
   *
   * @param params selection and merging
   * @param mass float[N]
   * @param keys float[N * d], token by token
   * @param d values of a key
   * @param offsets long[G + 1] over the tokens, from 0 to N
   * @param segments null, or byte[G], 0 = dropped
   * @param volumes null for one volume, or long[V + 1] over the segments
   * @return new arrays
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

  /**
   * Merges and packs F32 features.
   *
   * @param features float[N * C], token by token; not changed
   * @param columns C
   * @param result of {@link #select} for the same tokens
   * @return float[total * C], the kept rows in order
   */
  public static float[] pack(float[] features, int columns, Result result) {
    float[] merged = ContextualMergeOracle.merge(features, columns, result.merge);
    float[] packed = new float[result.packedRows.length * columns];
    for (int i = 0; i < result.packedRows.length; i++) {
      System.arraycopy(merged, (int) result.packedRows[i] * columns, packed, i * columns, columns);
    }
    return packed;
  }

  /**
   * Merges and packs F16 features.
   *
   * @param features bits, short[N * C], token by token; not changed
   * @param columns C
   * @param result of {@link #select} for the same tokens
   * @return bits, short[total * C], the kept rows in order
   */
  public static short[] packF16(short[] features, int columns, Result result) {
    return gather(ContextualMergeOracle.mergeF16(features, columns, result.merge), columns, result);
  }

  /**
   * Merges and packs BF16 features.
   *
   * @param features bits, short[N * C], token by token; not changed
   * @param columns C
   * @param result of {@link #select} for the same tokens
   * @return bits, short[total * C], the kept rows in order
   */
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
