package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.List;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.Metric;
import org.medpruner.eval.metrics.Variant;

/** The short table of a run for a terminal, of the same figures as the report's files. */
final class SummaryTable {
  private static final List<String> HEAD =
      List.of(
          "setting",
          "answers",
          "failed",
          "strict",
          "reference",
          "slices",
          "tokens",
          "overall",
          "encoder",
          "prefill",
          "decode",
          "KV cache");

  private static final List<String> COSTS =
      List.of(
          Columns.SLICE_RATE,
          Columns.TOKEN_RATE,
          Columns.OVERALL_RATE,
          Columns.ENCODE,
          Columns.PREFILL,
          Columns.DECODE,
          Columns.KV);

  private SummaryTable() {}

  /** Columns as wide as their longest cell, the first to the left, the others to the right. */
  static String render(Report r) {
    List<List<String>> lines = new ArrayList<>(List.of(HEAD));
    r.settings().forEach(s -> lines.add(cells(r, s)));
    StringBuilder out = new StringBuilder();
    int[] widths = new int[HEAD.size()];
    for (List<String> line : lines) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], line.get(i).length());
      }
    }
    for (List<String> line : lines) {
      for (int i = 0; i < widths.length; i++) {
        String fill = " ".repeat(widths[i] - line.get(i).length());
        out.append(i == 0 ? line.get(i) + fill : "  " + fill + line.get(i));
      }
      out.append(System.lineSeparator());
    }
    return out.toString();
  }

  private static List<String> cells(Report r, Setting setting) {
    Figures.Row costs = r.figures().costs(setting);
    List<String> cells = new ArrayList<>(List.of(setting.name()));
    cells.add(text(costs, Columns.ANSWERED));
    cells.add(text(costs, Columns.FAILED));
    for (Variant variant : Variant.values()) {
      cells.add(accuracy(r, setting, variant));
    }
    COSTS.forEach(column -> cells.add(text(costs, column)));
    return cells;
  }

  /** Of the closed questions; "-" when there are none. */
  private static String accuracy(Report r, Setting setting, Variant variant) {
    String column = Columns.of(variant, Metric.ACCURACY);
    boolean known =
        r.kinds().contains(Kind.CLOSED) && r.figures().all(setting, Kind.CLOSED).has(column);
    return known ? text(r.figures().all(setting, Kind.CLOSED), column) + " %" : "-";
  }

  private static String text(Figures.Row row, String column) {
    // A terminal may not have the report's dash.
    return row.has(column) ? Columns.text(column, row.get(column)) : "-";
  }
}
