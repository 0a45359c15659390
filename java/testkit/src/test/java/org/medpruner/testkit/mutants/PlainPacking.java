package org.medpruner.testkit.mutants;

import static org.medpruner.testkit.mutants.Mutation.GATHER_1024_BYTES;
import static org.medpruner.testkit.mutants.Mutation.GATHER_1024_SEGMENTS;
import static org.medpruner.testkit.mutants.Mutation.GATHER_EMPTY_FLAGGED;
import static org.medpruner.testkit.mutants.Mutation.GATHER_OFFSETS_OF_SEGMENTS;
import static org.medpruner.testkit.mutants.Mutation.GATHER_ROW_IN_16_BITS;
import static org.medpruner.testkit.mutants.Mutation.GATHER_SORTED;
import static org.medpruner.testkit.mutants.Mutation.GATHER_WHOLE_SEGMENTS;
import static org.medpruner.testkit.mutants.Mutation.GATHER_WORDS;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_128_BYTES;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_32_SEGMENTS;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_ASSIGNMENT_LOCAL;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_FIRST_KEPT;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_FLAGS_OF_SELECTION;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_KEEPS_DROPPED;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_NO_MASS_OF_DROPPED;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_NUCLEUS_ALONE;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_OFFSETS_WITH_DROPPED;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_ROLE_OF_DROPPED;
import static org.medpruner.testkit.mutants.Mutation.PRUNE_TARGETS_UNMERGED;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.ContextualMergeOutput;
import org.medpruner.testkit.GatherRowsInput;
import org.medpruner.testkit.GatherRowsOutput;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.NucleusSelectInput;
import org.medpruner.testkit.NucleusSelectOutput;
import org.medpruner.testkit.PruneInput;
import org.medpruner.testkit.PruneOutput;

/** {@code gather_rows} and {@code prune}, written from their headers. */
final class PlainPacking {
  private final @Nullable Mutation mutation;
  private final PlainNucleus nucleus;
  private final PlainMerge merge;

  PlainPacking(@Nullable Mutation mutation, PlainNucleus nucleus, PlainMerge merge) {
    this.mutation = mutation;
    this.nucleus = nucleus;
    this.merge = merge;
  }

  private boolean is(Mutation m) {
    return mutation == m;
  }

  GatherRowsOutput gather(GatherRowsInput in) {
    IntStream.Builder rows = IntStream.builder();
    long[] bounds = new long[in.offsets().length];
    int[] flags = new int[in.counts().length];
    for (int g = 0; g < in.counts().length; g++) {
      flags[g] = in.counts()[g] == 0 && is(GATHER_EMPTY_FLAGGED) ? 1 : 0;
      long from = in.offsets()[g];
      long count = is(GATHER_WHOLE_SEGMENTS) ? in.offsets()[g + 1] - from : in.counts()[g];
      count = g >= 1024 && is(GATHER_1024_SEGMENTS) ? 0 : count;
      long[] own = Arrays.copyOfRange(in.indices(), (int) from, (int) (from + count));
      if (is(GATHER_SORTED)) {
        Arrays.sort(own);
      }
      for (long row : own) {
        rows.add((int) Math.max(is(GATHER_ROW_IN_16_BITS) ? (short) row : row, 0));
      }
      bounds[g + 1] = bounds[g] + count;
    }
    HostTensor packed = in.source().take(rows.build().toArray());
    if (is(GATHER_WORDS)) {
      packed = cut(packed, bytesOfRow(packed) / 4 * 4);
    }
    if (is(GATHER_1024_BYTES)) {
      packed = cut(packed, 1024);
    }
    return new GatherRowsOutput(
        packed, is(GATHER_OFFSETS_OF_SEGMENTS) ? in.offsets().clone() : bounds, flags);
  }

  private static int bytesOfRow(HostTensor t) {
    return t.columns() * t.dtype().byteSize();
  }

  /** With the first bytes of each row. */
  private static HostTensor cut(HostTensor t, int size) {
    byte[] bytes = t.bytes();
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = i % bytesOfRow(t) < size ? bytes[i] : 0;
    }
    return HostTensor.ofBytes(t.dtype(), bytes, t.shape());
  }

  PruneOutput prune(PruneInput in) {
    NucleusSelectOutput selected =
        nucleus.run(
            new NucleusSelectInput(in.params().nucleus(), in.mass(), in.offsets(), in.volumes()));
    ContextualMergeOutput merged =
        merge.run(
            new ContextualMergeInput(
                in.params().merge(),
                in.features(),
                in.pooledKeys(),
                Objects.requireNonNull(selected.mask()),
                in.offsets()));
    byte[] role = Objects.requireNonNull(merged.role());
    long[] assignment = Objects.requireNonNull(merged.assignment());
    double[] keptMass = Objects.requireNonNull(selected.keptMass());
    byte[] segments = in.segments();
    int groups = in.offsets().length - 1;
    IntStream.Builder rows = IntStream.builder();
    long[] bounds = new long[groups + 1];
    int[] flags = new int[groups];
    for (int g = 0; g < groups; g++) {
      boolean dropped = segments != null && segments[g] == 0 && !is(PRUNE_KEEPS_DROPPED);
      long stays = dropped ? in.params().droppedTokens() : Long.MAX_VALUE;
      long count = 0;
      long kept = 0;
      int from = (int) in.offsets()[g];
      for (int i = from; i < in.offsets()[g + 1]; i++) {
        long place = is(PRUNE_FIRST_KEPT) ? count : i - from;
        boolean packs = is(PRUNE_NUCLEUS_ALONE) ? role[i] == 1 : role[i] != 0;
        packs &= g < 32 || !is(PRUNE_32_SEGMENTS);
        kept += packs ? 1 : 0;
        if (packs && place < stays) {
          rows.add(i);
          count++;
        }
        role[i] = dropped && is(PRUNE_ROLE_OF_DROPPED) ? 0 : role[i];
        assignment[i] -= is(PRUNE_ASSIGNMENT_LOCAL) ? from : 0;
      }
      bounds[g + 1] = bounds[g] + (is(PRUNE_OFFSETS_WITH_DROPPED) ? kept : count);
      keptMass[g] = dropped && is(PRUNE_NO_MASS_OF_DROPPED) ? 0 : keptMass[g];
      flags[g] = Objects.requireNonNull(selected.flags())[g];
      if (!is(PRUNE_FLAGS_OF_SELECTION)) {
        flags[g] |= Objects.requireNonNull(merged.flags())[g];
      }
    }
    int[] packed = rows.build().toArray();
    HostTensor features =
        is(PRUNE_TARGETS_UNMERGED) ? in.features() : Objects.requireNonNull(merged.merged());
    HostTensor rowsThatStay = features.take(packed);
    return new PruneOutput(
        is(PRUNE_128_BYTES) ? cut(rowsThatStay, 128) : rowsThatStay,
        Arrays.stream(packed).asLongStream().toArray(),
        bounds,
        role,
        assignment,
        keptMass,
        flags);
  }
}
