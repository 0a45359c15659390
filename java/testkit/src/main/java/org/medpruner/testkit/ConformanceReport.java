package org.medpruner.testkit;

import java.util.List;
import java.util.Set;
import org.medpruner.testkit.internal.JsonReport;
import org.medpruner.testkit.internal.MarkdownReport;

/**
 * What became of every rule.
 *
 * @param target name of the implementation
 * @param options what was run
 * @param results one per rule, op by op
 * @param leftOut cases that were not run because a tensor has more values than the options allow
 */
public record ConformanceReport(
    String target, ConformanceOptions options, List<RuleResult> results, int leftOut) {

  /** Kinds of rules that compare an output with another one than the target's own. */
  private static final Set<Rule.Kind> COMPARED =
      Set.of(Rule.Kind.BITS, Rule.Kind.TOLERANCE, Rule.Kind.GOLDEN);

  /** Copies the list. */
  public ConformanceReport {
    results = List.copyOf(results);
  }

  /**
   * {@return whether no case failed, and an output was compared in some} What the target does not
   * support is no failure: see {@link #complete}. Of {@link ConformanceOptions#caseName a single
   * case} whatever it is about has to have passed, be it a refusal.
   */
  public boolean passed() {
    return failed() == 0
        && results.stream()
            .filter(r -> options.caseName() != null || COMPARED.contains(r.rule().kind()))
            .anyMatch(r -> r.passed() > 0);
  }

  /**
   * {@return whether nothing was unsupported, neither a case nor an output} What was left out for
   * its size is not looked at: see {@link #leftOut}.
   */
  public boolean complete() {
    return unsupported() == 0;
  }

  /** {@return failed cases, summed over the rules: one case may break several} */
  public int failed() {
    return results.stream().mapToInt(RuleResult::failed).sum();
  }

  /** {@return unsupported cases, summed over the rules} */
  public int unsupported() {
    return results.stream().mapToInt(RuleResult::unsupported).sum();
  }

  /**
   * The result of a rule.
   *
   * @param name as {@link Rule#name}, {@code "nucleus_select/mask"}
   * @return how often it passed and failed
   * @throws IllegalArgumentException if it was not run
   */
  public RuleResult result(String name) {
    return results.stream()
        .filter(r -> r.rule().name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("name: no rule " + name + " was run"));
  }

  /** {@return a table in Markdown, then the first failing cases} */
  public String toMarkdown() {
    return MarkdownReport.of(this);
  }

  /** {@return the same as a JSON object} */
  public String toJson() {
    return JsonReport.of(this);
  }
}
