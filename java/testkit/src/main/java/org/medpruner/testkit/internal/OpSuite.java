package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.OpInput;
import org.medpruner.testkit.Rule;
import org.medpruner.testkit.internal.Fields.Field;
import org.medpruner.testkit.targets.OracleTarget;

/** Cases and checks of one op. */
abstract class OpSuite<I extends OpInput, O> {
  private static final ConformanceTarget SPECIFICATION = new OracleTarget();

  private final Op op;
  private final Rule answers;
  private final Rule inputs;
  private final Rule runToRun;
  private final Rule batch;
  private final Rule golden;
  private final Rule refusals;
  private final List<OutputRule<I, O>> outputs = new ArrayList<>();

  OpSuite(Op op) {
    this.op = op;
    this.answers =
        rule("answers", Rule.Kind.ANSWER, "A valid input is answered without an exception.", "");
    this.inputs =
        rule(
            "inputs",
            Rule.Kind.INVARIANCE,
            "The arrays of an input are after the call as they were before.",
            "ConformanceTarget");
    this.runToRun =
        rule(
            "run-to-run",
            Rule.Kind.INVARIANCE,
            "The same input gives the same bits again.",
            "docs/determinism.md");
    this.batch =
        rule(
            "batch",
            Rule.Kind.INVARIANCE,
            "A segment's result has the same bits alone and in a batch of another order.",
            "docs/determinism.md");
    this.golden =
        rule(
            "golden",
            Rule.Kind.GOLDEN,
            "The result is that of the authors' released code where that is right.",
            "golden/README.md");
    this.refusals =
        rule(
            "refusals",
            Rule.Kind.REFUSAL,
            "Bad input ends in an exception of its own; in an asynchronous backend at least in a"
                + " BAD_OFFSETS flag.",
            "ops.h");
  }

  /** A rule of this op; without a source that is the op's header. */
  final Rule rule(String id, Rule.Kind kind, String says, String source) {
    return new Rule(op, id, kind, says, source.isEmpty() ? op.id() + ".h" : source);
  }

  final Op op() {
    return op;
  }

  final Rule answers() {
    return answers;
  }

  final Rule inputs() {
    return inputs;
  }

  final Rule runToRun() {
    return runToRun;
  }

  final Rule batch() {
    return batch;
  }

  final Rule golden() {
    return golden;
  }

  final Rule refusals() {
    return refusals;
  }

  /** All rules in the order of reports. */
  final List<Rule> rules() {
    Stream<Rule> ends = Stream.of(inputs, runToRun, batch, refusals);
    if (!goldens().isEmpty()) {
      ends = Stream.concat(Stream.of(golden), ends);
    }
    return Stream.concat(
            Stream.concat(Stream.of(answers), outputs.stream().map(OutputRule::rule)), ends)
        .toList();
  }

  /** Rules about outputs. */
  final List<OutputRule<I, O>> outputs() {
    return outputs;
  }

  /** Adds the rule that an output of the rule's name has the specification's bits. */
  final void bits(String id, String says, Function<O, @Nullable Object> output) {
    bits(id, says, List.of(new Field<>(id, output)));
  }

  /** Adds the rule that some outputs have the specification's bits. */
  final void bits(String id, String says, List<Field<O>> fields) {
    bits(id, says, input -> true, fields);
  }

  /** As the other, for some inputs. */
  final void bits(String id, String says, Predicate<I> applies, List<Field<O>> fields) {
    outputs.add(
        new OutputRule<>(
            rule(id, Rule.Kind.BITS, says, ""),
            applies,
            (input, expected, actual) -> Fields.bits(fields, expected, actual)));
  }

  /** Adds the rule that an output is close to the specification's. */
  final void tolerance(String id, String says, OutputRule.Comparison<I, O> comparison) {
    outputs.add(
        new OutputRule<>(rule(id, Rule.Kind.TOLERANCE, says, ""), input -> true, comparison));
  }

  /** Edge cases, then {@code count} random ones. */
  abstract List<TestCase<I>> cases(DType dtype, long seed, int count);

  /** Inputs that have to be refused. */
  abstract List<BadInput<I>> badInputs(DType dtype);

  /** Whether an output flags the input as bad, as a backend does that cannot throw in time. */
  abstract boolean flagsBadInput(O output);

  /** The authors' results; empty where there are none. */
  List<GoldenCase<I, O>> goldens() {
    return List.of();
  }

  /** What the specification gives. */
  final O expected(I input) {
    return call(SPECIFICATION, input);
  }

  /** Calls the target's op. */
  abstract O call(ConformanceTarget target, I input);

  /** Values of the largest tensor. */
  abstract long values(I input);

  /** Part of an input. */
  abstract I take(I input, Selection selection);

  /** The output of segment g, as if it had been alone. */
  abstract O part(I input, O output, int g);

  /** Whether segments have nothing to do with each other. */
  boolean segmentsAreIndependent(I input) {
    return true;
  }

  /** Rows that belong together when an input is made smaller; 0: whole segments only. */
  int rowUnit(I input) {
    return 1;
  }

  /** Inputs of as many rows that are simpler in their columns, parameters or values. */
  abstract Stream<I> simpler(I input);

  /** The input as text from which it can be typed in. */
  abstract String describe(I input);
}
