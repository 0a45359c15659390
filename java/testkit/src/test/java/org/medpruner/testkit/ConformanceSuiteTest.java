package org.medpruner.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.medpruner.DType;
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
        new ConformanceTarget() {
          @Override
          public boolean supports(Op op, DType dtype) {
            return true;
          }

          @Override
          public InputChecks inputChecks() {
            return InputChecks.REFUSED;
          }

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
