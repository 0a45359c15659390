package org.medpruner.testkit.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
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
  private static final String NO_OUTPUT = "no output is given";

  private final OpSuite<I, O> suite;
  private final ConformanceTarget target;
  private final ConformanceOptions options;
  private final CallWatch watch;
  private final Map<Rule, Tally> tallies = new LinkedHashMap<>();
  private int leftOut;
  private String current = "";

  /**
   * What came of an op.
   *
   * @param rules in the order of the rules
   * @param leftOut cases of more values than the options allow
   */
  public record Results(List<RuleResult> rules, int leftOut) {}

  private OpRun(
      OpSuite<I, O> suite, ConformanceTarget target, ConformanceOptions options, CallWatch watch) {
    this.suite = suite;
    this.target = target;
    this.options = options;
    this.watch = watch;
    for (Rule rule : suite.rules()) {
      tallies.put(rule, new Tally(rule));
    }
  }

  /** Runs the cases of an op. */
  public static Results of(
      Op op, ConformanceTarget target, ConformanceOptions options, CallWatch watch) {
    return run(OpSuites.of(op), target, options, watch);
  }

  private static <I extends OpInput, O> Results run(
      OpSuite<I, O> suite, ConformanceTarget target, ConformanceOptions options, CallWatch watch) {
    return new OpRun<>(suite, target, options, watch).results();
  }

  /**
   * What a target says of itself.
   *
   * @param what for the message
   * @throws IllegalStateException if it throws or says nothing
   */
  public static <T> T ask(String what, Supplier<@Nullable T> question) {
    @Nullable T answer;
    try {
      answer = question.get();
    } catch (Throwable e) {
      throw new IllegalStateException("target: " + what + " threw " + Attempt.text(e), e);
    }
    if (answer == null) {
      throw new IllegalStateException("target: " + what + " returned null");
    }
    return answer;
  }

  private boolean supported(DType dtype) {
    return ask(
        "supports(" + suite.op().name() + ", " + dtype + ")",
        () -> target.supports(suite.op(), dtype));
  }

  private Results results() {
    for (DType dtype : suite.op().dtypes()) {
      if (!wantedOf(name(dtype, ""))) {
        continue;
      }
      boolean supported = supported(dtype);
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

  /** Whether a case is wanted whose name begins so. */
  private boolean wantedOf(String beginning) {
    String only = options.caseName();
    return only == null || only.startsWith(beginning);
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
    tally(suite.inputs()).unsupported(why);
    tally(suite.runToRun()).unsupported(why);
    if (hasBatch(input)) {
      tally(suite.batch()).unsupported(why);
    }
  }

  private boolean hasBatch(I input) {
    return input.offsets().length > 2 && suite.segmentsAreIndependent(input);
  }

  /** Calls with arrays of the target's own: what it writes to them is not what is expected. */
  private Attempt<O> call(I input) {
    return callWith(Records.copy(input));
  }

  private Attempt<O> callWith(I own) {
    watch.callBegins(current);
    try {
      return Attempt.of(() -> suite.call(target, own));
    } finally {
      watch.callEnds();
    }
  }

  private void begin(String name) {
    current = name;
    watch.caseBegins(name);
  }

  private void check(String name, I input) {
    begin(name);
    I own = Records.copy(input);
    switch (callWith(own)) {
      case Attempt.Unsupported<O> u -> skip(input, u.why());
      case Attempt.Threw<O> t -> fail(suite.answers(), name, input, t.text(), this::answers);
      case Attempt.Answer<O> a -> {
        if (Records.isEmpty(a.output())) {
          skip(input, NO_OUTPUT);
        } else {
          judge(name, input, own, a.output());
        }
      }
    }
  }

  private void judge(String name, I input, I own, O output) {
    tally(suite.answers()).pass();
    O expected = suite.expected(input);
    for (OutputRule<I, O> rule : suite.outputs()) {
      if (rule.applies().test(input)) {
        Finding found = rule.comparison().compare(input, expected, output);
        record(rule.rule(), name, input, found, i -> output(rule, i));
      }
    }
    record(suite.inputs(), name, input, written(input, own), this::written);
    record(suite.runToRun(), name, input, again(input, output), this::again);
    if (hasBatch(input)) {
      record(suite.batch(), name, input, batch(input, output), this::batch);
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

  private Finding written(I input) {
    I own = Records.copy(input);
    return callWith(own) instanceof Attempt.Answer<O> ? written(input, own) : Finding.HOLDS;
  }

  private static <I extends OpInput> Finding written(I before, I after) {
    String difference = Records.written(before, after);
    return difference == null ? Finding.HOLDS : new Finding.Broken(difference);
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
    InputChecks checks = ask("inputChecks()", target::inputChecks);
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
    begin(name);
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
    if (!supported(golden.input().dtype())) {
      tally.unsupported(golden.input().dtype() + " is not supported");
      return;
    }
    begin(name);
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
