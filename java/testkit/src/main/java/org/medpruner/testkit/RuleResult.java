package org.medpruner.testkit;

import java.util.List;

/**
 * What became of one rule. Every case counts once: cases = passed + failed + unsupported.
 *
 * @param rule the rule
 * @param passed cases in which it holds
 * @param failed cases in which it does not
 * @param unsupported cases that the target does not implement, or outputs that it does not give
 * @param unsupportedBecause the reasons, each once
 * @param failures the first failing cases
 */
public record RuleResult(
    Rule rule,
    int passed,
    int failed,
    int unsupported,
    List<String> unsupportedBecause,
    List<Failure> failures) {

  /** Copies the lists. */
  public RuleResult {
    unsupportedBecause = List.copyOf(unsupportedBecause);
    failures = List.copyOf(failures);
  }

  /** {@return how many cases there were, unsupported ones included} */
  public int cases() {
    return passed + failed + unsupported;
  }
}
