package org.medpruner.testkit.mutants;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.testkit.ConformanceOptions;
import org.medpruner.testkit.ConformanceReport;
import org.medpruner.testkit.ConformanceSuite;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.Rule;
import org.medpruner.testkit.RuleResult;

/** The suite notices one wrong line, whichever it is. */
class MutantsTest {
  /** The edge cases alone, without a search for smaller inputs: this is about who notices. */
  private static final ConformanceOptions EDGES =
      ConformanceOptions.DEFAULT.withCases(0).withShrinkSteps(0);

  /** Enough values for all mutations but those of {@link #LARGE}. */
  private static final int ENOUGH = 5000;

  /** One shows in large slices alone, one in the golden of a whole encoder layer. */
  private static final Set<Mutation> LARGE =
      Set.of(Mutation.ANCHOR_U32_SUM, Mutation.MASS_ADDS_UP_TO_ONE);

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
    if (!LARGE.contains(mutation)) {
      options = options.withMostValues(ENOUGH);
    }
    ConformanceReport report = ConformanceSuite.of(new PlainTarget(mutation)).run(options);
    assertFalse(report.passed(), mutation.what);
    assertTrue(report.result(mutation.rule).failed() > 0, mutation.what + report.toMarkdown());
  }

  /** A rule that no wrong line breaks may be one that cannot fail. */
  @Test
  void everyRuleAboutOutputsHasAMutation() {
    Set<Rule.Kind> ofOutputs = EnumSet.of(Rule.Kind.BITS, Rule.Kind.TOLERANCE, Rule.Kind.GOLDEN);
    Set<String> named = Stream.of(Mutation.values()).map(m -> m.rule).collect(Collectors.toSet());
    for (Op op : Op.values()) {
      for (Rule rule : ConformanceSuite.rules(op)) {
        assertTrue(named.contains(rule.name()) || !ofOutputs.contains(rule.kind()), rule.name());
      }
    }
  }

  @Test
  void thePageCountsTheMutations() throws Exception {
    Path root = Path.of(Objects.requireNonNullElse(System.getenv("MEDPRUNER_ROOT"), "../.."));
    String page = Files.readString(root.resolve("docs/conformance.md"));
    assertTrue(page.contains("one wrong line, " + Mutation.values().length + " ways"), page);
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
