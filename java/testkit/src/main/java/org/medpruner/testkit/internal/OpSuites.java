package org.medpruner.testkit.internal;

import java.util.List;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.Rule;

/** The suites of all ops. */
public final class OpSuites {
  static final List<OpSuite<?, ?>> ALL =
      List.of(
          new SliceAnchorSuite(),
          new AttentionMassSuite(),
          new NucleusSelectSuite(),
          new ContextualMergeSuite(),
          new GatherRowsSuite(),
          new PruneSuite());

  private OpSuites() {}

  static OpSuite<?, ?> of(Op op) {
    return ALL.stream().filter(s -> s.op() == op).findFirst().orElseThrow();
  }

  /** The rules of an op in the order of reports. */
  public static List<Rule> rules(Op op) {
    return of(op).rules();
  }
}
