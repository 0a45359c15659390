package org.medpruner.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import org.medpruner.testkit.internal.CallWatch;
import org.medpruner.testkit.internal.OpRun;
import org.medpruner.testkit.internal.OpSuites;

/**
 * Runs the cases of the kit against an implementation and compares with the plain-Java
 * specification ({@link org.medpruner.oracle}), with the target itself and with what the authors'
 * released code computes.
 *
 * {@snippet :
 * ConformanceReport report = ConformanceSuite.of(target).run(ConformanceOptions.DEFAULT);
 * System.out.println(report.toMarkdown());
 * }
 *
 * <p>No native library is needed. Not thread-safe while it runs; a suite may run many times.
 */
public final class ConformanceSuite {
  private final ConformanceTarget target;

  private ConformanceSuite(ConformanceTarget target) {
    this.target = target;
  }

  /**
   * The suite of a target.
   *
   * @param target not null; closing it is up to the caller
   * @return a suite that may run many times
   */
  public static ConformanceSuite of(ConformanceTarget target) {
    return new ConformanceSuite(Objects.requireNonNull(target, "target"));
  }

  /**
   * {@return a new instance of each target that {@link ServiceLoader} finds, the caller's to close}
   */
  public static List<ConformanceTarget> services() {
    List<ConformanceTarget> all = new ArrayList<>();
    ServiceLoader.load(ConformanceTarget.class).forEach(all::add);
    return all;
  }

  /**
   * The rules of an op.
   *
   * @param op any
   * @return all of them, in the order of reports
   */
  public static List<Rule> rules(Op op) {
    return OpSuites.rules(op);
  }

  /**
   * Runs all that the options name.
   *
   * @param options which cases of which ops
   * @return what became of every rule of these ops
   * @throws IllegalArgumentException if they name a case that there is not, or one of more values
   *     than they allow
   * @throws IllegalStateException if the target's name, what it supports or what it checks is an
   *     exception or null: whatever its ops throw is in the report
   */
  public ConformanceReport run(ConformanceOptions options) {
    return run(options, CallWatch.NONE);
  }

  /**
   * As {@link #run(ConformanceOptions)}, telling what is under way: a kernel may hang, or end the
   * process.
   *
   * @param options which cases of which ops
   * @param progress gets the name of each case before the target is called with it
   * @return what became of every rule of these ops
   * @throws IllegalArgumentException as the other
   * @throws IllegalStateException as the other
   */
  public ConformanceReport run(ConformanceOptions options, Consumer<String> progress) {
    return run(
        options,
        new CallWatch() {
          @Override
          public void caseBegins(String name) {
            progress.accept(name);
          }

          @Override
          public void callBegins(String name) {}

          @Override
          public void callEnds() {}
        });
  }

  ConformanceReport run(ConformanceOptions options, CallWatch watch) {
    String name = OpRun.ask("name()", target::name);
    List<RuleResult> results = new ArrayList<>();
    int leftOut = 0;
    for (Op op : Op.values()) {
      if (options.ops().contains(op)) {
        OpRun.Results own = OpRun.of(op, target, options, watch);
        results.addAll(own.rules());
        leftOut += own.leftOut();
      }
    }
    String only = options.caseName();
    if (only != null && results.stream().allMatch(r -> r.cases() == 0)) {
      throw new IllegalArgumentException(
          leftOut > 0
              ? "case: \""
                  + only
                  + "\" has a tensor of more than "
                  + options.mostValues()
                  + " values; raise mostValues (--most-values)"
              : "case: there is no \"" + only + "\" with this seed and number of cases");
    }
    return new ConformanceReport(name, options, results, leftOut);
  }
}
