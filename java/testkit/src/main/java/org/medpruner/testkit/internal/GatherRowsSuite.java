package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.medpruner.DType;
import org.medpruner.SegmentFlags;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.GatherRowsInput;
import org.medpruner.testkit.GatherRowsOutput;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;

/** Cases and checks of {@code gather_rows}. */
final class GatherRowsSuite extends OpSuite<GatherRowsInput, GatherRowsOutput> {
  GatherRowsSuite() {
    super(Op.GATHER_ROWS);
    bits(
        "packed",
        "The rows that count, segment after segment, byte for byte.",
        GatherRowsOutput::packed);
    bits(
        "packed-offsets",
        "Where each segment begins in the packed rows; the last is the total.",
        GatherRowsOutput::packedOffsets);
    bits("flags", "No flag for good input.", GatherRowsOutput::flags);
  }

  @Override
  List<TestCase<GatherRowsInput>> cases(DType dtype, long seed, int count) {
    List<TestCase<GatherRowsInput>> all = new ArrayList<>();
    long[] offsets = {0, 3, 3, 5, 6};
    long[] ascending = {0, 1, 2, 3, 4, 5};
    add(all, "everything", source(seed, dtype, 6, 4), ascending, new long[] {3, 0, 2, 1}, offsets);
    add(all, "nothing", source(seed, dtype, 6, 4), ascending, new long[4], offsets);
    add(
        all,
        "a-segment-of-none",
        source(seed, dtype, 6, 4),
        new long[] {1, -1, -1, 4, -1, 5},
        new long[] {1, 0, 0, 1},
        offsets);
    add(
        all,
        "any-order-and-twice",
        source(seed, dtype, 6, 4),
        new long[] {5, 5, 0, 2, 1, 4},
        new long[] {3, 0, 2, 1},
        offsets);
    add(all, "no-rows", source(seed, dtype, 0, 3), new long[0], new long[] {0, 0}, 0, 0, 0);
    for (int columns : new int[] {1, 3, 5, 7, 9, 15, 16, 17, 63}) {
      add(
          all,
          "columns-" + columns,
          source(seed, dtype, 6, columns),
          new long[] {2, 0, -1, 4, 3, 5},
          new long[] {2, 0, 2, 1},
          offsets);
    }
    for (int i = 0; i < count; i++) {
      random(all, "random-" + i, dtype, seed);
    }
    large(all, dtype, seed);
    return all;
  }

  private static void add(
      List<TestCase<GatherRowsInput>> all,
      String name,
      HostTensor source,
      long[] indices,
      long[] counts,
      long... offsets) {
    all.add(new TestCase<>(name, new GatherRowsInput(source, indices, counts, offsets)));
  }

  /** Rows of any bits, NaN and their payloads among them. */
  private static HostTensor source(long seed, DType dtype, int rows, int columns) {
    byte[] bytes = new byte[rows * columns * dtype.byteSize()];
    Seeds.of(seed, Op.GATHER_ROWS, dtype, rows + "x" + columns).nextBytes(bytes);
    return HostTensor.ofBytes(dtype, bytes, rows, columns);
  }

  /** Row numbers past 16 bits in more segments than a block has threads, and a model's rows. */
  private static void large(List<TestCase<GatherRowsInput>> all, DType dtype, long seed) {
    int[] lengths = new int[1500];
    Arrays.fill(lengths, 22);
    long[] offsets = Ragged.offsets(lengths);
    int n = Ragged.rows(offsets); // 33,000
    long[] indices = new long[n];
    long[] counts = new long[lengths.length];
    for (int g = 0; g < counts.length; g++) {
      counts[g] = g % 23;
      for (int i = 0; i < 22; i++) {
        indices[22 * g + i] = 22 * g + (7 * i + g) % 22;
      }
    }
    add(all, "many-rows", source(seed, dtype, n, 1), indices, counts, offsets);
    add(
        all,
        "wide-rows",
        source(seed, dtype, 3, 7168 / dtype.byteSize()),
        new long[] {2, 0, 1},
        new long[] {2, 1},
        0,
        2,
        3);
  }

  private static void random(
      List<TestCase<GatherRowsInput>> all, String name, DType dtype, long seed) {
    Random r = Seeds.of(seed, Op.GATHER_ROWS, dtype, name);
    long[] offsets = Ragged.random(r, 6, 50);
    int n = Ragged.rows(offsets);
    long[] indices = new long[n];
    boolean own = r.nextBoolean();
    for (int g = 0; g + 1 < offsets.length; g++) {
      for (long i = offsets[g]; i < offsets[g + 1]; i++) {
        indices[(int) i] = own ? r.nextLong(offsets[g], offsets[g + 1]) : r.nextInt(n);
      }
    }
    long[] counts = new long[offsets.length - 1];
    for (int g = 0; g < counts.length; g++) {
      counts[g] = r.nextLong(offsets[g + 1] - offsets[g] + 1);
    }
    byte[] bytes = new byte[n * (1 + r.nextInt(33)) * dtype.byteSize()];
    r.nextBytes(bytes);
    int columns = n == 0 ? 2 : bytes.length / n / dtype.byteSize();
    add(all, name, HostTensor.ofBytes(dtype, bytes, n, columns), indices, counts, offsets);
  }

  @Override
  List<BadInput<GatherRowsInput>> badInputs(DType dtype) {
    HostTensor source = source(1, dtype, 6, 2);
    long[] good = {0, 1, 2, 3, 4, 5};
    long[] ones = {1, 1, 1};
    long[] offsets = {0, 2, 4, 6};
    List<BadInput<GatherRowsInput>> all =
        BadInput.offsets(6, o -> new GatherRowsInput(source, good, ones, o));
    for (long row : new long[] {-1, 6, Long.MIN_VALUE, Long.MAX_VALUE}) {
      long[] indices = good.clone();
      indices[2] = row;
      all.add(new BadInput<>("a row " + row, new GatherRowsInput(source, indices, ones, offsets)));
    }
    for (long count : new long[] {-1, 3, Long.MIN_VALUE, Long.MAX_VALUE}) {
      all.add(
          new BadInput<>(
              "a count " + count,
              new GatherRowsInput(source, good, new long[] {1, count, 1}, offsets)));
    }
    return all;
  }

  @Override
  boolean flagsBadInput(GatherRowsOutput output) {
    return Fields.anyFlag(output.flags(), SegmentFlags.BAD_OFFSETS);
  }

  @Override
  GatherRowsOutput call(ConformanceTarget target, GatherRowsInput input) {
    return target.gatherRows(input);
  }

  @Override
  long values(GatherRowsInput in) {
    return in.source().elements();
  }

  @Override
  GatherRowsInput take(GatherRowsInput in, Selection s) {
    Map<Long, Integer> places = new HashMap<>();
    for (int i = 0; i < s.rows().length; i++) {
      places.putIfAbsent((long) s.rows()[i], i);
    }
    long[] indices = new long[s.rows().length];
    for (int i = 0; i < indices.length; i++) {
      // A row that is gone is replaced by the first; where all rows stay nothing is.
      indices[i] = places.getOrDefault(in.indices()[s.rows()[i]], 0);
    }
    long[] counts = new long[s.segments().length];
    for (int g = 0; g < counts.length; g++) {
      counts[g] = Math.min(in.counts()[s.segments()[g]], s.offsets()[g + 1] - s.offsets()[g]);
    }
    return new GatherRowsInput(in.source().take(s.rows()), indices, counts, s.offsets());
  }

  @Override
  GatherRowsOutput part(GatherRowsInput in, GatherRowsOutput out, int g) {
    long first = Arrays.stream(in.counts()).limit(g).sum();
    long count = in.counts()[g];
    return new GatherRowsOutput(
        Fields.part(out.packed(), (int) first, (int) (first + count)),
        out.packedOffsets() == null ? null : new long[] {0, out.packedOffsets()[g + 1] - first},
        Fields.part(out.flags(), g, g + 1));
  }

  @Override
  boolean segmentsAreIndependent(GatherRowsInput in) {
    // Alone, a segment has no rows but its own.
    for (int g = 0; g < in.counts().length; g++) {
      for (long i = in.offsets()[g]; i < in.offsets()[g] + in.counts()[g]; i++) {
        long row = in.indices()[(int) i];
        if (row < in.offsets()[g] || row >= in.offsets()[g + 1]) {
          return false;
        }
      }
    }
    return true;
  }

  @Override
  Stream<GatherRowsInput> simpler(GatherRowsInput in) {
    return Fields.fewer(in.source().columns()).stream()
        .map(
            c ->
                new GatherRowsInput(
                    in.source().narrow(c), in.indices(), in.counts(), in.offsets()));
  }

  @Override
  String describe(GatherRowsInput in) {
    return "offsets "
        + Fields.text(in.offsets())
        + ", counts "
        + Fields.text(in.counts())
        + ", indices "
        + Fields.text(in.indices())
        + ", source "
        + in.source();
  }
}
