package org.medpruner.testkit.internal;

import org.medpruner.testkit.OpInput;

/**
 * An input that has to be refused.
 *
 * @param name what is wrong with it; one whose only fault is that segments do not cover all rows
 *     says so, and need not be flagged
 */
record BadInput<I extends OpInput>(String name, I input) {
  /** Whether no row is out of range and no segment out of order. */
  boolean onlyUncovered() {
    return name.endsWith(Ragged.BEGIN_LATE) || name.endsWith(Ragged.END_EARLY);
  }
}
