package org.medpruner.testkit.junit;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.EnumSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.medpruner.testkit.ConformanceOptions;
import org.medpruner.testkit.ConformanceReport;
import org.medpruner.testkit.ConformanceSuite;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.Failure;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.RuleResult;

/**
 * One test per op and rule. A rule of which the target supports no case is skipped and says why.
 *
 * {@snippet :
 * class MyKernelsTest extends ConformanceTests {
 *   @Override
 *   protected ConformanceTarget target() {
 *     return new MyKernels();
 *   }
 * }
 * }
 */
public abstract class ConformanceTests {
  /** For subclasses. */
  protected ConformanceTests() {}

  /** {@return a fresh target, asked for once per op and closed after it} */
  protected abstract ConformanceTarget target();

  /** {@return what is run; {@link ConformanceOptions#DEFAULT} unless overridden} */
  protected ConformanceOptions options() {
    return ConformanceOptions.DEFAULT;
  }

  /** {@return the tests, a container per op with one per rule} */
  @TestFactory
  protected Stream<DynamicNode> conformance() {
    ConformanceOptions options = options();
    String only = options.caseName(); // of one op, the others have no case of that name
    List<Op> ops =
        Stream.of(Op.values())
            .filter(options.ops()::contains)
            .filter(op -> only == null || only.startsWith(op.id() + "/"))
            .toList();
    if (ops.isEmpty()) {
      throw new IllegalArgumentException(
          "case: \"" + only + "\" is of none of the ops " + options.ops());
    }
    return ops.stream().map(this::container);
  }

  private DynamicNode container(Op op) {
    ConformanceReport report;
    try (ConformanceTarget target = target()) {
      report = ConformanceSuite.of(target).run(options().withOps(EnumSet.of(op)));
    }
    return dynamicContainer(
        op.id(), report.results().stream().map(r -> dynamicTest(r.rule().name(), () -> check(r))));
  }

  private static void check(RuleResult r) {
    if (r.failed() > 0) {
      StringBuilder text = new StringBuilder();
      text.append(r.failed()).append(" of ").append(r.cases()).append(" cases break: ");
      text.append(r.rule().says());
      for (Failure f : r.failures()) {
        text.append("\n  ").append(f.caseName()).append(" (seed ").append(f.seed());
        text.append("): ").append(f.difference());
        text.append("\n    ").append(f.reproduction());
        text.append(f.reduced() ? "\n    there: " + f.reproducedDifference() : "");
      }
      fail(text.toString());
    }
    Assumptions.assumeTrue(r.passed() > 0, () -> String.join("; ", r.unsupportedBecause()));
  }
}
