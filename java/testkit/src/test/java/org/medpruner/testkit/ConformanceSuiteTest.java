package org.medpruner.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.medpruner.DType;
import org.medpruner.testkit.junit.ConformanceTests;
import org.medpruner.testkit.targets.OracleTarget;

/** What the suite counts and says. */
class ConformanceSuiteTest {
  private static final ConformanceOptions GATHER =
      ConformanceOptions.DEFAULT.withOps(EnumSet.of(Op.GATHER_ROWS)).withCases(6);

  private static ConformanceReport run(ConformanceTarget target, ConformanceOptions options) {
    return ConformanceSuite.of(target).run(options);
  }

  /** What is not given or not implemented is neither passed nor failed. */
  @Test
  void unsupportedIsReportedNotPassed() {
    ConformanceReport report = run(new MaskOnlyTarget(), ConformanceOptions.DEFAULT.withCases(4));
    assertTrue(report.passed(), report.toMarkdown());
    assertFalse(report.complete());
    RuleResult mask = report.result("nucleus_select/mask");
    assertTrue(mask.passed() > 50 && mask.unsupported() > 50, report.toMarkdown());
    assertEquals(List.of("only the softmax score"), mask.unsupportedBecause());
    RuleResult flags = report.result("nucleus_select/flags");
    assertEquals(0, flags.passed());
    assertTrue(flags.unsupportedBecause().contains("flags is not given"));
    RuleResult gather = report.result("gather_rows/packed");
    assertEquals(gather.cases(), gather.unsupported());
    assertTrue(gather.unsupportedBecause().contains("U8 is not supported"));
    for (RuleResult r : report.results()) {
      assertEquals(r.cases(), r.passed() + r.failed() + r.unsupported(), r.rule().name());
    }
  }

  @Test
  void aTargetOfNothingDoesNotPass() {
    ConformanceReport report = run((op, dtype) -> false, GATHER);
    assertFalse(report.passed());
    assertEquals(0, report.failed());
    assertTrue(report.toMarkdown().contains("Nothing was checked"));
  }

  /** Declared but not implemented: unsupported, with the reason. */
  @Test
  void aDeclaredOpWithoutAMethodIsUnsupported() {
    RuleResult r = run((op, dtype) -> true, GATHER).result("gather_rows/answers");
    assertEquals(List.of("gather_rows is not implemented"), r.unsupportedBecause());
    assertEquals(0, r.passed() + r.failed());
  }

  /** A gather of U8 that does as it is told. */
  private static ConformanceTarget gather(Function<GatherRowsInput, GatherRowsOutput> op) {
    return new ConformanceTarget() {
      @Override
      public boolean supports(Op other, DType dtype) {
        return dtype == DType.U8;
      }

      @Override
      public GatherRowsOutput gatherRows(GatherRowsInput in) {
        return op.apply(in);
      }
    };
  }

  /** Nothing was compared, so nothing was shown. */
  @Test
  void aTargetWithoutOutputsDoesNotPass() {
    ConformanceReport report =
        run(gather(in -> new GatherRowsOutput(null, null, null)), GATHER.withCases(0));
    assertFalse(report.passed(), report.toMarkdown());
    assertTrue(report.toMarkdown().contains("Nothing was checked"), report.toMarkdown());
    for (RuleResult r : report.results()) {
      assertEquals(0, r.passed() + r.failed(), r.rule().name());
    }
    RuleResult again = report.result("gather_rows/run-to-run");
    assertTrue(again.unsupportedBecause().contains("no output is given"), again.toString());
  }

  /** Says that it supports all ops and checks its inputs. */
  private abstract static class Checking implements ConformanceTarget {
    @Override
    public boolean supports(Op op, DType dtype) {
      return true;
    }

    @Override
    public InputChecks inputChecks() {
      return InputChecks.REFUSED;
    }
  }

  /** Of one case alone it is enough that what it is about has passed. */
  @Test
  void aRefusalAlonePasses() {
    ConformanceTarget checks =
        new Checking() {
          @Override
          public GatherRowsOutput gatherRows(GatherRowsInput in) {
            throw new IllegalArgumentException("offsets");
          }
        };
    String name = "gather_rows/U8/refuses-offsets-descend";
    assertTrue(run(checks, ConformanceOptions.DEFAULT.withCaseName(name)).passed());
  }

  @SuppressWarnings("NullAway") // what no target may do
  private static GatherRowsOutput nothing() {
    return null;
  }

  @Test
  void nullInsteadOfAnOutputFails() {
    RuleResult always =
        run(gather(in -> nothing()), GATHER.withCases(0)).result("gather_rows/answers");
    assertEquals("returned null", always.failures().getFirst().difference());
    OracleTarget oracle = new OracleTarget();
    AtomicInteger calls = new AtomicInteger();
    ConformanceTarget everyOther =
        gather(in -> calls.getAndIncrement() % 2 == 0 ? oracle.gatherRows(in) : nothing());
    RuleResult again =
        run(everyOther, GATHER.withCases(0).withShrinkSteps(0)).result("gather_rows/run-to-run");
    assertEquals("the second run: returned null", again.failures().getFirst().difference());
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> RuntimeException sneaky(Throwable t) throws T {
    throw (T) t;
  }

  /** Bindings throw an OutOfMemoryError for a device's memory, downcalls any Throwable. */
  @Test
  void whatATargetThrowsEndsItsCaseAlone() {
    OracleTarget oracle = new OracleTarget();
    for (Throwable t : List.of(new OutOfMemoryError("device"), new Throwable("from a handle"))) {
      ConformanceTarget target =
          gather(
              in -> {
                if (in.source().columns() == 17) {
                  throw sneaky(t);
                }
                return oracle.gatherRows(in);
              });
      RuleResult answers = run(target, GATHER.withCases(0)).result("gather_rows/answers");
      assertEquals(1, answers.failed());
      assertTrue(answers.passed() > 5);
      assertEquals(
          t.getClass().getSimpleName() + ": " + t.getMessage(),
          answers.failures().getFirst().difference());
    }
  }

  @Test
  void whatATargetCannotSayOfItselfIsAFaultOfIt() {
    ConformanceTarget unsure =
        (op, dtype) -> {
          throw new IllegalStateException("no device");
        };
    IllegalStateException e = assertThrows(IllegalStateException.class, () -> run(unsure, GATHER));
    assertEquals(
        "target: supports(GATHER_ROWS, U8) threw IllegalStateException: no device", e.getMessage());
  }

  /** The last name said is that of the case that hangs or ends the process. */
  @Test
  void casesAreNamedBeforeTheirCalls() {
    List<String> names = new ArrayList<>();
    List<String> atCalls = new ArrayList<>();
    OracleTarget oracle = new OracleTarget();
    ConformanceTarget target =
        gather(
            in -> {
              atCalls.add(names.getLast());
              return oracle.gatherRows(in);
            });
    ConformanceReport report =
        ConformanceSuite.of(target).run(GATHER.withCases(0).withMostValues(1000), names::add);
    assertTrue(report.passed(), report.toMarkdown());
    assertEquals(names, atCalls.stream().distinct().toList());
    assertEquals("gather_rows/U8/everything", names.getFirst());
    assertEquals(report.result("gather_rows/answers").passed(), names.size());
  }

  /** As JUnit runs it: the other ops have no case of that name, and need none. */
  private static final class OneCase extends ConformanceTests {
    private final String name;

    OneCase(String name) {
      this.name = name;
    }

    @Override
    protected ConformanceTarget target() {
      return new OracleTarget();
    }

    @Override
    protected ConformanceOptions options() {
      return ConformanceOptions.DEFAULT.withCaseName(name);
    }

    List<DynamicNode> nodes() {
      return conformance().toList();
    }
  }

  @Test
  void jUnitRunsOneCase() throws Throwable {
    List<DynamicNode> nodes = new OneCase("slice_anchor/U8/equality-drops").nodes();
    assertEquals(List.of("slice_anchor"), nodes.stream().map(DynamicNode::getDisplayName).toList());
    int run = 0;
    for (DynamicNode node : ((DynamicContainer) nodes.getFirst()).getChildren().toList()) {
      if (node.getDisplayName().equals("slice_anchor/keep")) {
        ((DynamicTest) node).getExecutable().execute();
        run++;
      }
    }
    assertEquals(1, run);
    OneCase none = new OneCase("sort/U8/equality-drops");
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, none::nodes);
    assertTrue(String.valueOf(e.getMessage()).startsWith("case: \"sort/"), e.getMessage());
  }

  /** The second row of every segment of F64 is wrong. */
  private static final class SecondRow implements ConformanceTarget {
    private final OracleTarget oracle = new OracleTarget();

    @Override
    public boolean supports(Op op, DType dtype) {
      return true;
    }

    @Override
    public GatherRowsOutput gatherRows(GatherRowsInput in) {
      long[] indices = in.indices().clone();
      for (int g = 0; g < in.counts().length && in.dtype() == DType.F64; g++) {
        int second = (int) in.offsets()[g] + 1;
        if (in.counts()[g] > 1) {
          indices[second] = indices[second - 1];
        }
      }
      return oracle.gatherRows(
          new GatherRowsInput(in.source(), indices, in.counts(), in.offsets()));
    }
  }

  @Test
  void aFailingCaseCanBeRunAloneAndIsReduced() {
    ConformanceReport report = run(new SecondRow(), GATHER.withExamples(2));
    RuleResult packed = report.result("gather_rows/packed");
    assertFalse(report.passed());
    assertTrue(packed.failed() > 2);
    assertEquals(2, packed.failures().size());
    Failure first = packed.failures().getFirst();
    assertTrue(first.caseName().startsWith("gather_rows/F64/"), first.caseName());
    assertTrue(
        first.reproduction().startsWith("offsets [0, 2], counts [2], indices ["),
        first.reproduction());
    assertTrue(first.reproduction().contains("F64[2, 1]"), first.reproduction());
    ConformanceReport alone =
        run(new SecondRow(), ConformanceOptions.DEFAULT.withCaseName(first.caseName()));
    assertEquals(first.difference(), difference(alone));
    assertEquals(1, alone.result("gather_rows/packed").cases());
    assertEquals(0, alone.result("prune/packed").cases());
  }

  private static String difference(ConformanceReport report) {
    return report.result("gather_rows/packed").failures().getFirst().difference();
  }

  @Test
  void anUnknownCaseIsRefused() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> run(new OracleTarget(), GATHER.withCaseName("gather_rows/F64/none")));
    assertTrue(String.valueOf(e.getMessage()).startsWith("case: "), e.getMessage());
  }

  /** It is there, but larger than allowed: another mistake, and another fix. */
  @Test
  void aCaseThatIsLeftOutIsSaidToBe() {
    String name = "nucleus_select/F32/mass-equal-1024";
    ConformanceOptions one = ConformanceOptions.DEFAULT.withCaseName(name);
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> run(new OracleTarget(), one.withMostValues(1023)));
    assertEquals(
        "case: \""
            + name
            + "\" has a tensor of more than 1023 values; raise mostValues (--most-values)",
        e.getMessage());
    assertTrue(run(new OracleTarget(), one.withMostValues(1024)).passed());
  }

  /** A report of small cases alone does not read like one of all. */
  @Test
  void casesLeftOutAreCounted() {
    ConformanceReport all = run(new OracleTarget(), GATHER);
    ConformanceReport small = run(new OracleTarget(), GATHER.withMostValues(30));
    int left = all.result("gather_rows/answers").cases();
    assertEquals(0, all.leftOut());
    assertEquals(left, small.result("gather_rows/answers").cases() + small.leftOut());
    assertTrue(small.leftOut() > 0, small.toMarkdown());
    assertTrue(small.toMarkdown().contains(small.leftOut() + " larger cases were left out"));
    assertTrue(small.toJson().contains("\"leftOut\": " + small.leftOut() + ","));
  }

  @Test
  void theSameOptionsGiveTheSameReportAndAnotherSeedOtherCases() {
    ConformanceReport first = run(new SecondRow(), GATHER);
    assertEquals(first.toJson(), run(new SecondRow(), GATHER).toJson());
    assertFalse(
        first.toJson().equals(run(new SecondRow(), GATHER.withSeed(2)).toJson()), "another seed");
  }

  @Test
  void jsonHoldsTheSameNumbers() throws Exception {
    ConformanceReport report = run(new SecondRow(), GATHER);
    JsonNode json = new ObjectMapper().readTree(report.toJson());
    assertFalse(json.get("passed").asBoolean());
    assertEquals(report.results().size(), json.get("rules").size());
    for (int i = 0; i < report.results().size(); i++) {
      RuleResult r = report.results().get(i);
      JsonNode rule = json.get("rules").get(i);
      assertEquals(r.rule().name(), rule.get("op").asText() + "/" + rule.get("rule").asText());
      assertEquals(r.failed(), rule.get("failed").asInt());
      assertEquals(r.cases(), rule.get("cases").asInt());
      assertEquals(r.failures().size(), rule.get("failures").size());
    }
  }

  /** An exception on good input is a failure; one of an accident's kind is no refusal. */
  @Test
  void exceptionsAreJudged() {
    ConformanceTarget throwing =
        new Checking() {
          @Override
          public GatherRowsOutput gatherRows(GatherRowsInput in) {
            if (Arrays.stream(in.counts()).anyMatch(c -> c < 0)) {
              throw new IllegalArgumentException("counts: negative");
            }
            throw new ArrayIndexOutOfBoundsException(7);
          }
        };
    ConformanceReport report = run(throwing, GATHER);
    RuleResult answers = report.result("gather_rows/answers");
    assertEquals(answers.cases(), answers.failed());
    assertTrue(answers.failures().getFirst().difference().contains("ArrayIndexOutOfBounds"));
    RuleResult refusals = report.result("gather_rows/refusals");
    assertTrue(refusals.passed() > 0 && refusals.failed() > 0, report.toMarkdown());
    assertTrue(refusals.failures().getFirst().difference().startsWith("an accident"));
    assertEquals(
        0, run(throwing, GATHER.withRefusals(false)).result("gather_rows/refusals").cases());
  }

  /** A batch is a valid input in any order: whoever answers one has to answer the other. */
  @Test
  void anExceptionOnAReversedBatchBreaksBatch() {
    ConformanceTarget longestFirst =
        new ConformanceTarget() {
          private final OracleTarget oracle = new OracleTarget();

          @Override
          public boolean supports(Op op, DType dtype) {
            return dtype == DType.U8;
          }

          @Override
          public GatherRowsOutput gatherRows(GatherRowsInput in) {
            long[] offsets = in.offsets();
            if (offsets.length == 5 && offsets[1] < offsets[4] - offsets[3]) {
              throw new ArrayIndexOutOfBoundsException(4);
            }
            return oracle.gatherRows(in);
          }
        };
    RuleResult batch = run(longestFirst, GATHER.withCases(0)).result("gather_rows/batch");
    assertTrue(batch.failed() > 0, batch.toString());
    assertTrue(
        batch.failures().getFirst().difference().startsWith("in reversed order: ArrayIndex"),
        batch.toString());
  }

  /** An infinity is no number that another is close to. */
  @Test
  void infinitiesAreLikeThemselvesAlone() {
    for (float given : new float[] {0, -Float.MAX_VALUE, Float.POSITIVE_INFINITY, Float.NaN}) {
      ConformanceTarget target =
          new ConformanceTarget() {
            private final OracleTarget oracle = new OracleTarget();

            @Override
            public boolean supports(Op op, DType dtype) {
              return true;
            }

            @Override
            public AttentionMassOutput attentionMass(AttentionMassInput in) {
              AttentionMassOutput out = oracle.attentionMass(in);
              float[] keys = Objects.requireNonNull(out.pooledKeys());
              for (int i = 0; i < keys.length; i++) {
                keys[i] = keys[i] == Float.NEGATIVE_INFINITY ? given : keys[i];
              }
              return new AttentionMassOutput(out.mass(), keys, out.flags());
            }
          };
      String name = "attention_mass/F32/minus-infinity-in-key";
      RuleResult keys =
          run(
                  target,
                  ConformanceOptions.DEFAULT
                      .withOps(EnumSet.of(Op.ATTENTION_MASS))
                      .withCaseName(name))
              .result("attention_mass/pooled-keys");
      assertEquals(1, keys.failed(), "in place of -Infinity: " + given);
    }
  }

  @Test
  void rulesHaveNamesOfTheirOwnAndASource() {
    Set<String> names = new HashSet<>();
    for (Op op : Op.values()) {
      for (Rule rule : ConformanceSuite.rules(op)) {
        assertTrue(names.add(rule.name()), rule.name());
        assertTrue(rule.says().endsWith("."), rule.says());
        assertFalse(rule.source().isEmpty(), rule.name());
        String header = "include/medpruner/" + rule.source();
        assertTrue(
            !rule.source().endsWith(".h") || Rule.class.getResource(header) != null,
            "not in the jar: " + header);
      }
    }
  }

  @Test
  void optionsOutOfRangeAreRefusedByName() {
    ConformanceOptions o = ConformanceOptions.DEFAULT;
    refused("cases", () -> o.withCases(-1));
    refused("ops", () -> o.withOps(EnumSet.noneOf(Op.class)));
    refused("examples", () -> o.withExamples(0));
    refused("mostValues", () -> o.withMostValues(0));
    refused("shrinkSteps", () -> o.withShrinkSteps(-1));
  }

  private static void refused(String name, Runnable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(String.valueOf(e.getMessage()).startsWith(name + ": "), e.getMessage());
  }
}
