package org.medpruner.testkit.mutants;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.DType;
import org.medpruner.testkit.AttentionMassInput;
import org.medpruner.testkit.AttentionMassOutput;
import org.medpruner.testkit.ConformanceOptions;
import org.medpruner.testkit.ConformanceReport;
import org.medpruner.testkit.ConformanceSuite;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.ContextualMergeOutput;
import org.medpruner.testkit.GatherRowsInput;
import org.medpruner.testkit.GatherRowsOutput;
import org.medpruner.testkit.NucleusSelectInput;
import org.medpruner.testkit.NucleusSelectOutput;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.PruneInput;
import org.medpruner.testkit.PruneOutput;
import org.medpruner.testkit.Rule;
import org.medpruner.testkit.RuleResult;
import org.medpruner.testkit.SliceAnchorInput;
import org.medpruner.testkit.SliceAnchorOutput;
import org.medpruner.testkit.UnsupportedCaseException;

/** The suite notices one wrong line, whichever it is. */
@Execution(ExecutionMode.CONCURRENT)
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
    if (!mutation.large.isEmpty()) {
      options = options.withCaseName(mutation.large);
    } else if (!LARGE.contains(mutation)) {
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
  void floatsConform() {
    ConformanceOptions options = EDGES.withOps(EnumSet.of(Op.ATTENTION_MASS));
    ConformanceReport edges = ConformanceSuite.of(PlainTarget.ofSingles()).run(options);
    assertTrue(edges.passed(), edges.toMarkdown());
    for (long seed = 1; seed <= 3; seed++) {
      ConformanceReport report =
          ConformanceSuite.of(PlainTarget.ofSingles())
              .run(options.withSeed(seed).withCases(40).withMostValues(2000));
      assertTrue(report.passed(), report.toMarkdown());
    }
  }

  /** One that does as AttentionMassInput says. */
  @Test
  void withoutALogSumExpTheRestConforms() {
    PlainTarget plain = new PlainTarget(null);
    ConformanceTarget target =
        new ConformanceTarget() {
          @Override
          public boolean supports(Op op, DType dtype) {
            return op == Op.ATTENTION_MASS;
          }

          @Override
          public AttentionMassOutput attentionMass(AttentionMassInput in) {
            if (in.lse() != null) {
              throw new UnsupportedCaseException("no log-sum-exp");
            }
            return plain.attentionMass(in);
          }
        };
    ConformanceReport report =
        ConformanceSuite.of(target).run(EDGES.withOps(EnumSet.of(Op.ATTENTION_MASS)));
    assertTrue(report.passed() && !report.complete(), report.toMarkdown());
  }

  /** Right, but for what it does to the arrays of its input, before it computes or after it. */
  private record Writing(boolean before) implements ConformanceTarget {
    private static final PlainTarget PLAIN = new PlainTarget(null);

    @Override
    public boolean supports(Op op, DType dtype) {
      return true;
    }

    private <O> O around(Runnable write, Supplier<O> compute) {
      if (before) {
        write.run();
      }
      O output = compute.get();
      if (!before) {
        write.run();
      }
      return output;
    }

    /** The first segment becomes empty, its rows nobody's or the second's. */
    private static void empty(long[] offsets) {
      offsets[1] = 0;
    }

    /** What is odd in masses is 0 instead. */
    private static void clean(float[] masses) {
      for (int i = 0; i < masses.length; i++) {
        masses[i] = masses[i] > 0 && masses[i] < Float.POSITIVE_INFINITY ? masses[i] : 0;
      }
    }

    @Override
    public SliceAnchorOutput sliceAnchor(SliceAnchorInput in) {
      return around(() -> empty(in.offsets()), () -> PLAIN.sliceAnchor(in));
    }

    @Override
    public AttentionMassOutput attentionMass(AttentionMassInput in) {
      float[] given = in.lse();
      float[] lse = given == null ? new float[0] : given;
      return around(() -> Arrays.fill(lse, 1), () -> PLAIN.attentionMass(in));
    }

    @Override
    public NucleusSelectOutput nucleusSelect(NucleusSelectInput in) {
      return around(() -> clean(in.scores()), () -> PLAIN.nucleusSelect(in));
    }

    @Override
    public ContextualMergeOutput contextualMerge(ContextualMergeInput in) {
      return around(() -> Arrays.fill(in.nucleus(), (byte) 1), () -> PLAIN.contextualMerge(in));
    }

    @Override
    public GatherRowsOutput gatherRows(GatherRowsInput in) {
      return around(() -> Arrays.fill(in.counts(), 0), () -> PLAIN.gatherRows(in));
    }

    @Override
    public PruneOutput prune(PruneInput in) {
      byte[] given = in.segments();
      byte[] segments = given == null ? new byte[0] : given;
      return around(() -> Arrays.fill(segments, (byte) 1), () -> PLAIN.prune(in));
    }
  }

  /** What it wrote is not what it is judged against: right outputs pass, and those of it fail. */
  @ParameterizedTest
  @EnumSource
  void writingToTheInputIsNoticed(Op op) {
    ConformanceOptions options = EDGES.withOps(EnumSet.of(op)).withMostValues(1500);
    Rule inputs =
        ConformanceSuite.rules(op).stream()
            .filter(r -> r.id().equals("inputs"))
            .findFirst()
            .orElseThrow();
    Set<Rule> after = failing(ConformanceSuite.of(new Writing(false)).run(options));
    assertEquals(Set.of(inputs), after);
    Set<Rule> before = failing(ConformanceSuite.of(new Writing(true)).run(options));
    assertTrue(before.contains(inputs), before.toString());
    assertTrue(
        before.stream()
            .anyMatch(r -> r.kind() == Rule.Kind.BITS || r.kind() == Rule.Kind.TOLERANCE),
        before.toString());
  }

  private static Set<Rule> failing(ConformanceReport report) {
    return report.results().stream()
        .filter(r -> r.failed() > 0)
        .map(RuleResult::rule)
        .collect(Collectors.toSet());
  }

  @Test
  void whatWasWrittenToIsSaid() {
    ConformanceReport report =
        ConformanceSuite.of(new Writing(false))
            .run(ConformanceOptions.DEFAULT.withCaseName("gather_rows/U8/everything"));
    assertEquals(
        "counts[0] was written to: it was 3, it is 0",
        report.result("gather_rows/inputs").failures().getFirst().difference());
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
