package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.medpruner.testkit.OpInput;

/**
 * An input that has to be refused.
 *
 * @param name what is wrong with it; one whose only fault is that segments do not cover all rows
 *     says so, and need not be flagged
 */
record BadInput<I extends OpInput>(String name, I input) {
  /** Inputs with each of the bad offsets of so many rows. */
  static <I extends OpInput> List<BadInput<I>> offsets(int rows, Function<long[], I> input) {
    List<BadInput<I>> all = new ArrayList<>();
    Ragged.bad(rows)
        .forEach((why, bad) -> all.add(new BadInput<>("offsets " + why, input.apply(bad))));
    return all;
  }

  /** Whether no row is out of range and no segment out of order. */
  boolean onlyUncovered() {
    return name.endsWith(Ragged.BEGIN_LATE) || name.endsWith(Ragged.END_EARLY);
  }
}
