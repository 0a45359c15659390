package org.medpruner.testkit.internal;

import java.util.List;
import org.medpruner.testkit.ConformanceOptions;
import org.medpruner.testkit.ConformanceReport;
import org.medpruner.testkit.Failure;
import org.medpruner.testkit.RuleResult;

/** A report for people. */
public final class MarkdownReport {
  private MarkdownReport() {}

  /** The whole report. */
  public static String of(ConformanceReport report) {
    StringBuilder out = new StringBuilder();
    ConformanceOptions o = report.options();
    out.append("# Conformance of ").append(report.target()).append("\n\n");
    out.append(verdict(report)).append("\n\n");
    out.append("Seed ").append(o.seed()).append(", ").append(o.cases());
    out.append(" random cases per op and dtype beside the edge cases");
    if (o.mostValues() < Long.MAX_VALUE) {
      out.append(", none with a tensor of more than ").append(o.mostValues()).append(" values");
    }
    out.append(".\n\n");
    out.append("| rule | kind | cases | passed | failed | unsupported |\n");
    out.append("|---|---|---:|---:|---:|---:|\n");
    for (RuleResult r : report.results()) {
      out.append("| ").append(r.rule().name()).append(" | ").append(r.rule().kind().id());
      out.append(" | ").append(r.cases()).append(" | ").append(r.passed()).append(" | ");
      out.append(r.failed() == 0 ? "0" : "**" + r.failed() + "**");
      out.append(" | ").append(r.unsupported()).append(" |\n");
    }
    unsupported(out, report.results());
    failures(out, report.results());
    return out.toString();
  }

  private static String verdict(ConformanceReport report) {
    if (report.failed() > 0) {
      return "**Does not conform:** " + report.failed() + " failed checks.";
    }
    if (!report.passed()) {
      return "**Nothing was checked:** there was no output to compare.";
    }
    String left =
        report.leftOut() == 0 ? "" : "; " + report.leftOut() + " larger cases were left out";
    String passed =
        report.complete()
            ? (left.isEmpty() ? "**Conforms:**" : "**Conforms in the smaller cases:**")
                + " every check passed"
            : "**Conforms in what it supports:** "
                + report.unsupported()
                + " checks are unsupported";
    return passed + left + ".";
  }

  private static void unsupported(StringBuilder out, List<RuleResult> results) {
    List<RuleResult> some = results.stream().filter(r -> r.unsupported() > 0).toList();
    if (some.isEmpty()) {
      return;
    }
    out.append("\n## Unsupported\n\n");
    for (RuleResult r : some) {
      out.append("- ").append(r.rule().name()).append(": ");
      out.append(String.join("; ", r.unsupportedBecause())).append("\n");
    }
  }

  private static void failures(StringBuilder out, List<RuleResult> results) {
    List<RuleResult> some = results.stream().filter(r -> r.failed() > 0).toList();
    if (some.isEmpty()) {
      return;
    }
    out.append("\n## Failures\n");
    for (RuleResult r : some) {
      out.append("\n### ").append(r.rule().name()).append("\n\n");
      out.append(r.rule().says()).append(" Source: ").append(r.rule().source()).append("\n\n");
      for (Failure f : r.failures()) {
        out.append("- `").append(f.caseName()).append("` (seed ").append(f.seed()).append("): ");
        out.append(f.difference()).append("\n");
        out.append(f.reduced() ? "  - smallest input found: `" : "  - input: `");
        out.append(f.reproduction()).append("`\n");
        if (f.reduced()) {
          out.append("  - there: ").append(f.reproducedDifference()).append("\n");
        }
      }
      if (r.failed() > r.failures().size()) {
        out.append("- and ").append(r.failed() - r.failures().size()).append(" more cases\n");
      }
    }
  }
}
