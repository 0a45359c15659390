package org.medpruner.testkit;

import java.util.List;
import org.medpruner.testkit.internal.JsonReport;
import org.medpruner.testkit.internal.MarkdownReport;

/**
 * What became of every rule.
 *
 * @param target name of the implementation
 * @param options what was run
 * @param results one per rule, op by op
 */
public record ConformanceReport(
    String target, ConformanceOptions options, List<RuleResult> results) {

  /** Copies the list. */
  public ConformanceReport {
    results = List.copyOf(results);
  }

  /**
   * Whether no case failed and some passed. What the target does not support is no failure: see
   * {@link #complete}.
   */
  public boolean passed() {
    return failed() == 0 && results.stream().anyMatch(r -> r.passed() > 0);
  }

  /** Whether nothing was unsupported. */
  public boolean complete() {
    return unsupported() == 0;
  }

  /** Failed cases of all rules. */
  public int failed() {
    return results.stream().mapToInt(RuleResult::failed).sum();
  }

  /** Unsupported cases of all rules. */
  public int unsupported() {
    return results.stream().mapToInt(RuleResult::unsupported).sum();
  }

  /**
   * The result of a rule.
   *
   * @param name as {@link Rule#name}, {@code "nucleus_select/mask"}
   * @throws IllegalArgumentException if it was not run
   */
  public RuleResult result(String name) {
    return results.stream()
        .filter(r -> r.rule().name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("name: no rule " + name + " was run"));
  }

  /** A table, then the first failing cases. */
  public String toMarkdown() {
    return MarkdownReport.of(this);
  }

  /** The same as a JSON object. */
  public String toJson() {
    return JsonReport.of(this);
  }
}
