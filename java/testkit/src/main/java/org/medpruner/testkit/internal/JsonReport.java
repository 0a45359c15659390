package org.medpruner.testkit.internal;

import java.util.List;
import java.util.stream.Collectors;
import org.medpruner.testkit.ConformanceReport;
import org.medpruner.testkit.Failure;
import org.medpruner.testkit.RuleResult;

/** A report for programs. */
public final class JsonReport {
  private JsonReport() {}

  /** The whole report as one object. */
  public static String of(ConformanceReport report) {
    return "{\n  \"target\": "
        + text(report.target())
        + ",\n  \"passed\": "
        + report.passed()
        + ",\n  \"complete\": "
        + report.complete()
        + ",\n  \"seed\": "
        + report.options().seed()
        + ",\n  \"cases\": "
        + report.options().cases()
        + ",\n  \"leftOut\": "
        + report.leftOut()
        + ",\n  \"rules\": ["
        + report.results().stream().map(JsonReport::rule).collect(Collectors.joining(",\n    "))
        + "]\n}\n";
  }

  private static String rule(RuleResult r) {
    return "{\"op\": "
        + text(r.rule().op().id())
        + ", \"rule\": "
        + text(r.rule().id())
        + ", \"kind\": "
        + text(r.rule().kind().id())
        + ", \"source\": "
        + text(r.rule().source())
        + ", \"cases\": "
        + r.cases()
        + ", \"passed\": "
        + r.passed()
        + ", \"failed\": "
        + r.failed()
        + ", \"unsupported\": "
        + r.unsupported()
        + ", \"unsupportedBecause\": ["
        + r.unsupportedBecause().stream().map(JsonReport::text).collect(Collectors.joining(", "))
        + "], \"failures\": ["
        + failures(r.failures())
        + "]}";
  }

  private static String failures(List<Failure> failures) {
    return failures.stream()
        .map(
            f ->
                "{\"case\": "
                    + text(f.caseName())
                    + ", \"seed\": "
                    + f.seed()
                    + ", \"difference\": "
                    + text(f.difference())
                    + ", \"reproduction\": "
                    + text(f.reproduction())
                    + ", \"reproducedDifference\": "
                    + text(f.reproducedDifference())
                    + ", \"reduced\": "
                    + f.reduced()
                    + "}")
        .collect(Collectors.joining(", "));
  }

  private static String text(String s) {
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ') {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString();
  }
}
