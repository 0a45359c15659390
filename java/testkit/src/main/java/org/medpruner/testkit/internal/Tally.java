package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.medpruner.testkit.Failure;
import org.medpruner.testkit.Rule;
import org.medpruner.testkit.RuleResult;

/** The counts of one rule while a suite runs. */
final class Tally {
  private static final int MOST_REASONS = 5;

  private final Rule rule;
  private final Set<String> reasons = new LinkedHashSet<>();
  private final List<Failure> failures = new ArrayList<>();
  private int passed;
  private int failed;
  private int unsupported;

  Tally(Rule rule) {
    this.rule = rule;
  }

  Rule rule() {
    return rule;
  }

  int failed() {
    return failed;
  }

  void pass() {
    passed++;
  }

  void unsupported(String why) {
    unsupported++;
    if (reasons.size() < MOST_REASONS) {
      reasons.add(why);
    }
  }

  void fail() {
    failed++;
  }

  void example(Failure failure) {
    failures.add(failure);
  }

  RuleResult result() {
    return new RuleResult(rule, passed, failed, unsupported, List.copyOf(reasons), failures);
  }
}
