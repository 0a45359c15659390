package org.medpruner.testkit.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.testkit.ConformanceOptions;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.Failure;
import org.medpruner.testkit.InputChecks;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.OpInput;
import org.medpruner.testkit.Rule;
import org.medpruner.testkit.RuleResult;

/** One op of one target: all cases against all rules. */
public final class OpRun<I extends OpInput, O> {
  private final OpSuite<I, O> suite;
  private final ConformanceTarget target;
  private final ConformanceOptions options;
  private final Map<Rule, Tally> tallies = new LinkedHashMap<>();
  private int leftOut;

  /**
   * What came of an op.
   *
   * @param rules in the order of the rules
   * @param leftOut cases of more values than the options allow
   */
  public record Results(List<RuleResult> rules, int leftOut) {}

  private OpRun(OpSuite<I, O> suite, ConformanceTarget target, ConformanceOptions options) {
    this.suite = suite;
    this.target = target;
    this.options = options;
    for (Rule rule : suite.rules()) {
      tallies.put(rule, new Tally(rule));
    }
  }

  /** Runs the cases of an op. */
  public static Results of(Op op, ConformanceTarget target, ConformanceOptions options) {
    return run(OpSuites.of(op), target, options);
  }

  private static <I extends OpInput, O> Results run(
      OpSuite<I, O> suite, ConformanceTarget target, ConformanceOptions options) {
    return new OpRun<>(suite, target, options).results();
  }

  private Results results() {
    for (DType dtype : suite.op().dtypes()) {
      boolean supported = target.supports(suite.op(), dtype);
      String why = dtype + " is not supported";
      for (TestCase<I> c : suite.cases(dtype, options.seed(), options.cases())) {
        String name = name(dtype, c.name());
        if (!wanted(name) || tooLarge(c.input())) {
          continue;
        }
        if (supported) {
          check(name, c.input());
        } else {
          skip(c.input(), why);
        }
      }
      for (BadInput<I> bad : suite.badInputs(dtype)) {
        String name = name(dtype, "refuses-" + bad.name().replace(' ', '-'));
        if (options.refusals() && wanted(name)) {
          refuse(name, bad, supported ? "" : why);
        }
      }
    }
    for (GoldenCase<I, O> golden : suite.goldens()) {
      String name = name(golden.input().dtype(), golden.name());
      if (wanted(name) && !tooLarge(golden.input())) {
        compare(name, golden);
      }
    }
    return new Results(tallies.values().stream().map(Tally::result).toList(), leftOut);
  }

  private boolean tooLarge(I input) {
    boolean larger = suite.values(input) > options.mostValues();
    leftOut += larger ? 1 : 0;
    return larger;
  }

  private String name(DType dtype, String own) {
    return suite.op().id() + "/" + dtype + "/" + own;
  }

  private boolean wanted(String name) {
    String only = options.caseName();
    return only == null || only.equals(name);
  }

  private Tally tally(Rule rule) {
    Tally tally = tallies.get(rule);
    if (tally == null) {
      throw new AssertionError(rule.name());
    }
    return tally;
  }

  /** Every rule that would have been checked counts the case. */
  private void skip(I input, String why) {
    tally(suite.answers()).unsupported(why);
    suite.outputs().stream()
        .filter(r -> r.applies().test(input))
        .forEach(r -> tally(r.rule()).unsupported(why));
    tally(suite.runToRun()).unsupported(why);
    if (hasBatch(input)) {
      tally(suite.batch()).unsupported(why);
    }
  }

  private boolean hasBatch(I input) {
    return input.offsets().length > 2 && suite.segmentsAreIndependent(input);
  }

  private Attempt<O> call(I input) {
    return Attempt.of(() -> suite.call(target, input));
  }

  private void check(String name, I input) {
    switch (call(input)) {
      case Attempt.Unsupported<O> u -> skip(input, u.why());
      case Attempt.Threw<O> t -> fail(suite.answers(), name, input, t.text(), this::answers);
      case Attempt.Answer<O> a -> {
        tally(suite.answers()).pass();
        O expected = suite.expected(input);
        for (OutputRule<I, O> rule : suite.outputs()) {
          if (rule.applies().test(input)) {
            Finding found = rule.comparison().compare(input, expected, a.output());
            record(rule.rule(), name, input, found, i -> output(rule, i));
          }
        }
        record(suite.runToRun(), name, input, again(input, a.output()), this::again);
        if (hasBatch(input)) {
          record(suite.batch(), name, input, batch(input, a.output()), this::batch);
        }
      }
    }
  }

  private void record(
      Rule rule, String name, I input, Finding found, Function<I, Finding> recheck) {
    switch (found) {
      case Finding.Holds h -> tally(rule).pass();
      case Finding.NotGiven n -> tally(rule).unsupported(n.output() + " is not given");
      case Finding.Broken b -> fail(rule, name, input, b.difference(), recheck);
    }
  }

  /** Counts a failure; of the first ones, looks for a smaller input that fails too. */
  private void fail(
      Rule rule, String name, I input, String difference, Function<I, Finding> recheck) {
    Tally tally = tally(rule);
    tally.fail();
    if (tally.failed() > options.examples()) {
      return;
    }
    I smallest = input;
    // The first one is worth the time; the others are mostly the same defect.
    if (tally.failed() == 1) {
      smallest =
          new Shrinker<I>(suite, i -> broken(recheck, i) != null, options.shrinkSteps())
              .shrink(input);
    }
    String reproduced = broken(recheck, smallest);
    tally.example(
        new Failure(
            name,
            options.seed(),
            difference,
            suite.describe(smallest),
            reproduced == null ? "it does not fail again" : reproduced,
            !smallest.equals(input)));
  }

  private static <I> @Nullable String broken(Function<I, Finding> recheck, I input) {
    return recheck.apply(input) instanceof Finding.Broken b ? b.difference() : null;
  }

  private Finding answers(I input) {
    return call(input) instanceof Attempt.Threw<O> t ? new Finding.Broken(t.text()) : Finding.HOLDS;
  }

  private Finding output(OutputRule<I, O> rule, I input) {
    return call(input) instanceof Attempt.Answer<O> a
        ? rule.comparison().compare(input, suite.expected(input), a.output())
        : Finding.HOLDS;
  }

  private Finding again(I input) {
    return call(input) instanceof Attempt.Answer<O> a ? again(input, a.output()) : Finding.HOLDS;
  }

  private Finding again(I input, O first) {
    return same("the second run", first, call(input));
  }

  private Finding batch(I input) {
    return hasBatch(input) && call(input) instanceof Attempt.Answer<O> a
        ? batch(input, a.output())
        : Finding.HOLDS;
  }

  /** The batch backwards, and its longest segment alone. */
  private Finding batch(I input, O together) {
    long[] offsets = input.offsets();
    int segments = offsets.length - 1;
    int[] backwards = IntStream.range(0, segments).map(g -> segments - 1 - g).toArray();
    I reversed = suite.take(input, Selection.ofSegments(offsets, backwards));
    int longest =
        IntStream.range(0, segments)
            .reduce(0, (a, b) -> length(offsets, a) >= length(offsets, b) ? a : b);
    I alone = suite.take(input, Selection.ofSegments(offsets, longest));
    try {
      Finding found = same("alone", suite.part(input, together, longest), call(alone));
      return found instanceof Finding.Holds
          ? backwards(input, together, reversed, call(reversed))
          : found;
    } catch (IndexOutOfBoundsException | NegativeArraySizeException | IllegalArgumentException e) {
      return new Finding.Broken("an output has another size than the input says");
    }
  }

  private Finding backwards(I input, O together, I reversed, Attempt<O> attempt) {
    return switch (attempt) {
      case Attempt.Unsupported<O> u -> Finding.HOLDS;
      case Attempt.Threw<O> t -> new Finding.Broken("in reversed order: " + t.text());
      case Attempt.Answer<O> r -> {
        int segments = input.offsets().length - 1;
        Finding found = Finding.HOLDS;
        for (int g = 0; g < segments && found instanceof Finding.Holds; g++) {
          found =
              same(
                  "segment " + g + " in reversed order",
                  suite.part(input, together, g),
                  new Attempt.Answer<>(suite.part(reversed, r.output(), segments - 1 - g)));
        }
        yield found;
      }
    };
  }

  private static long length(long[] offsets, int g) {
    return offsets[g + 1] - offsets[g];
  }

  /** Whether another attempt has the bits of an output. */
  private Finding same(String what, O output, Attempt<O> other) {
    return switch (other) {
      case Attempt.Unsupported<O> u -> Finding.HOLDS;
      case Attempt.Threw<O> t -> new Finding.Broken(what + ": " + t.text());
      case Attempt.Answer<O> a -> {
        String difference = Records.difference(output, a.output());
        yield difference == null ? Finding.HOLDS : new Finding.Broken(what + ": " + difference);
      }
    };
  }

  private void refuse(String name, BadInput<I> bad, String unsupported) {
    Tally tally = tally(suite.refusals());
    InputChecks checks = target.inputChecks();
    String why = unsupported;
    if (why.isEmpty() && checks == InputChecks.NONE) {
      why = "the target checks no input";
    }
    if (!why.isEmpty()) {
      tally.unsupported(why);
      return;
    }
    if (checks == InputChecks.FLAGGED && bad.onlyUncovered()) {
      return;
    }
    String broken =
        switch (call(bad.input())) {
          case Attempt.Unsupported<O> u -> {
            tally.unsupported(u.why());
            yield "";
          }
          case Attempt.Threw<O> t -> {
            if (!t.accident()) {
              tally.pass();
            }
            yield t.accident() ? "an accident, not a refusal: " + t.text() : "";
          }
          case Attempt.Answer<O> a -> {
            boolean flagged = checks == InputChecks.FLAGGED && suite.flagsBadInput(a.output());
            if (flagged) {
              tally.pass();
            }
            yield flagged
                ? ""
                : checks == InputChecks.REFUSED
                    ? "answered without an exception"
                    : "answered without an exception or a flag";
          }
        };
    if (!broken.isEmpty()) {
      tally.fail();
      if (tally.failed() <= options.examples()) {
        String input = suite.describe(bad.input());
        tally.example(new Failure(name, options.seed(), broken, input, broken, false));
      }
    }
  }

  private void compare(String name, GoldenCase<I, O> golden) {
    Tally tally = tally(suite.golden());
    if (!target.supports(suite.op(), golden.input().dtype())) {
      tally.unsupported(golden.input().dtype() + " is not supported");
      return;
    }
    switch (call(golden.input())) {
      case Attempt.Unsupported<O> u -> tally.unsupported(u.why());
      case Attempt.Threw<O> t -> goldenFails(tally, name, golden, t.text());
      case Attempt.Answer<O> a -> {
        switch (golden.check().apply(a.output())) {
          case Finding.Holds h -> tally.pass();
          case Finding.NotGiven n -> tally.unsupported(n.output() + " is not given");
          case Finding.Broken b -> goldenFails(tally, name, golden, b.difference());
        }
      }
    }
  }

  private void goldenFails(Tally tally, String name, GoldenCase<I, O> golden, String difference) {
    tally.fail();
    if (tally.failed() <= options.examples()) {
      String input = suite.describe(golden.input());
      tally.example(new Failure(name, options.seed(), difference, input, difference, false));
    }
  }
}
