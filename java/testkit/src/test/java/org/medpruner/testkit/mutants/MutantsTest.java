package org.medpruner.testkit.mutants;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.testkit.ConformanceOptions;
import org.medpruner.testkit.ConformanceReport;
import org.medpruner.testkit.ConformanceSuite;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.RuleResult;

/** The suite notices one wrong line, whichever it is. */
class MutantsTest {
  /** The edge cases alone, without a search for smaller inputs: this is about who notices. */
  private static final ConformanceOptions EDGES =
      ConformanceOptions.DEFAULT.withCases(0).withShrinkSteps(0);

  /** Enough values for all mutations but one, which shows in large slices alone. */
  private static final int ENOUGH = 5000;

  @Test
  void withoutAMutationAllPasses() {
    ConformanceReport report =
        ConformanceSuite.of(new PlainTarget(null)).run(ConformanceOptions.DEFAULT.withCases(12));
    assertTrue(report.passed(), report.toMarkdown());
    for (RuleResult r : report.results()) {
      assertTrue(r.passed() > 0 || r.rule().id().equals("refusals"), r.rule().name());
    }
  }

  @ParameterizedTest
  @EnumSource
  void isNoticed(Mutation mutation) {
    String op = mutation.rule.substring(0, mutation.rule.indexOf('/'));
    ConformanceOptions options = EDGES.withOps(EnumSet.of(Op.of(op)));
    if (mutation != Mutation.ANCHOR_U32_SUM) {
      options = options.withMostValues(ENOUGH);
    }
    ConformanceReport report = ConformanceSuite.of(new PlainTarget(mutation)).run(options);
    assertFalse(report.passed(), mutation.what);
    assertTrue(report.result(mutation.rule).failed() > 0, mutation.what + report.toMarkdown());
  }

  /** Sums of f32 in another order, which attention_mass.h grants a kernel, are no defect. */
  @Test
  void logitsOfFloatsConform() {
    ConformanceReport report =
        ConformanceSuite.of(PlainTarget.ofSingleLogits())
            .run(EDGES.withOps(EnumSet.of(Op.ATTENTION_MASS)));
    assertTrue(report.passed(), report.toMarkdown());
  }

  /** What is said of a failure is enough to see the defect. */
  @Test
  void aFailureIsReducedToAFewValues() {
    ConformanceReport report =
        ConformanceSuite.of(new PlainTarget(Mutation.ANCHOR_EQUALITY_KEEPS))
            .run(ConformanceOptions.DEFAULT.withOps(EnumSet.of(Op.SLICE_ANCHOR)));
    var failure = report.result("slice_anchor/keep").failures().getFirst();
    assertTrue(failure.reproduction().contains("offsets [0, 2]"), failure.toString());
    assertTrue(failure.reproduction().contains("U8[2, 1]"), failure.toString());
    assertEquals("keep[1]: expected 0, got 1", failure.reproducedDifference());
  }
}
