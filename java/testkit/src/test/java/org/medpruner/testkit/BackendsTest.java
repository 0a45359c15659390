package org.medpruner.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.medpruner.testkit.junit.ConformanceTests;
import org.medpruner.testkit.targets.CpuTarget;
import org.medpruner.testkit.targets.OracleTarget;

/** The CPU backend, through the JUnit adapter: one test per rule. */
class BackendsTest extends ConformanceTests {
  @Override
  protected ConformanceTarget target() {
    return new CpuTarget();
  }

  @Override
  protected ConformanceOptions options() {
    return ConformanceOptions.DEFAULT.withCases(25);
  }

  /** The tests per rule count what is unsupported as skipped; of our own backend nothing may be. */
  @Test
  void theCpuBackendLeavesNothingOut() {
    ConformanceReport report =
        ConformanceSuite.of(new CpuTarget()).run(ConformanceOptions.DEFAULT.withCases(0));
    assertTrue(report.passed() && report.complete(), report.toMarkdown());
  }

  @Test
  void theSpecificationPassesItsOwnCases() {
    ConformanceReport report =
        ConformanceSuite.of(new OracleTarget()).run(ConformanceOptions.DEFAULT.withCases(10));
    assertTrue(report.passed(), report.toMarkdown());
    assertFalse(report.complete(), "it checks no input");
    for (RuleResult r : report.results()) {
      boolean refusal = r.rule().kind() == Rule.Kind.REFUSAL;
      assertEquals(refusal, r.unsupported() > 0, r.rule().name());
      assertEquals(refusal, r.passed() == 0, r.rule().name());
    }
  }
}
