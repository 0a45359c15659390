package org.medpruner.testkit.internal;

import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.testkit.OpInput;

/**
 * Looks for a smaller input that still fails: fewer segments, fewer rows, fewer columns, simpler
 * values. Greedy and deterministic; it ends where nothing smaller fails, or when its steps are used
 * up.
 */
final class Shrinker<I extends OpInput> {
  /** Rows in all tries together, so that a large case does not take minutes. */
  private static final long MOST_ROWS = 4_000_000;

  private final OpSuite<I, ?> suite;
  private final Predicate<I> fails;
  private int steps;
  private long rows;

  Shrinker(OpSuite<I, ?> suite, Predicate<I> fails, int steps) {
    this.suite = suite;
    this.fails = fails;
    this.steps = steps;
  }

  /** The smallest input found. */
  I shrink(I input) {
    I smallest = input;
    for (I next = step(smallest); next != null; next = step(smallest)) {
      smallest = next;
    }
    return smallest;
  }

  private @Nullable I step(I input) {
    return Stream.of(fewerSegments(input), fewerRows(input), suite.simpler(input))
        .flatMap(s -> s)
        .takeWhile(candidate -> affordable(candidate))
        .filter(fails)
        .findFirst()
        .orElse(null);
  }

  private boolean affordable(I candidate) {
    rows += 1 + candidate.offsets()[candidate.offsets().length - 1];
    return steps-- > 0 && rows <= MOST_ROWS;
  }

  private Stream<I> fewerSegments(I input) {
    int count = input.offsets().length - 1;
    return chunks(count)
        .filter(chunk -> chunk.to - chunk.from < count)
        .map(
            chunk -> {
              int[] left =
                  IntStream.range(0, count).filter(g -> g < chunk.from || g >= chunk.to).toArray();
              return suite.take(input, Selection.ofSegments(input.offsets(), left));
            });
  }

  private Stream<I> fewerRows(I input) {
    int unit = suite.rowUnit(input);
    if (unit == 0) {
      return Stream.empty();
    }
    long[] offsets = input.offsets();
    return chunks((int) offsets[offsets.length - 1] / unit)
        .map(
            chunk ->
                suite.take(
                    input, Selection.withoutRows(offsets, chunk.from * unit, chunk.to * unit)));
  }

  private record Chunk(int from, int to) {}

  /** Halves, quarters and so on down to single elements. */
  private static Stream<Chunk> chunks(int n) {
    return IntStream.iterate((n + 1) / 2, size -> size > 0, size -> size / 2)
        .boxed()
        .flatMap(
            size ->
                IntStream.iterate(0, from -> from < n, from -> from + size)
                    .mapToObj(from -> new Chunk(from, Math.min(n, from + size))));
  }
}
