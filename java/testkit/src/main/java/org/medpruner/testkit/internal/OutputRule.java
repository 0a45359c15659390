package org.medpruner.testkit.internal;

import java.util.function.Predicate;
import org.medpruner.testkit.OpInput;
import org.medpruner.testkit.Rule;

/**
 * A rule about an output, checked against the specification's.
 *
 * @param applies to which inputs
 * @param comparison input, expected and actual output
 */
record OutputRule<I extends OpInput, O>(
    Rule rule, Predicate<I> applies, Comparison<I, O> comparison) {

  /** Compares an output with the expected one. */
  interface Comparison<I, O> {
    Finding compare(I input, O expected, O actual);
  }
}
