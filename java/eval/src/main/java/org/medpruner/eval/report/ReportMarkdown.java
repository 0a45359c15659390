package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.List;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.Metric;
import org.medpruner.eval.metrics.Variant;

/** {@code report.md}: the page's tables, without its pictures. */
final class ReportMarkdown {
  private ReportMarkdown() {}

  static String render(Report r) {
    StringBuilder out = new StringBuilder("# ").append(escape(r.title())).append("\n\n");
    EvaluationPage.facts(r)
        .forEach(
            (label, value) ->
                out.append("- ").append(label).append(": ").append(escape(value)).append('\n'));
    for (Kind kind : r.kinds()) {
      out.append('\n').append(escape(SettingsSection.verdict(r, kind))).append('\n');
    }
    out.append("\n## Settings\n\n");
    settings(out, r);
    r.warnings().forEach(w -> out.append("\n**").append(escape(w)).append("**\n"));
    r.methods().forEach(m -> out.append("\n").append(escape(m)).append('\n'));
    for (Kind kind : r.kinds()) {
      out.append("\n## ").append(Columns.title(kind)).append(" by task\n\n");
      tasks(out, r, kind);
    }
    out.append("\n## ").append(TasksSection.METRICS).append("\n\n");
    out.append(TasksSection.METRICS_LEAD).append('\n');
    for (Kind kind : r.kinds()) {
      for (Variant variant : Variant.values()) {
        metrics(out, r, kind, variant);
      }
    }
    lesions(out, r);
    return out.toString();
  }

  private static void settings(StringBuilder out, Report r) {
    List<String> head = new ArrayList<>(List.of("setting"));
    for (Kind kind : r.kinds()) {
      head.addAll(List.of(Columns.title(kind) + " (%)", "against off", "p", "lost / gained"));
    }
    head.addAll(
        List.of(
            "slices",
            "tokens",
            "overall",
            "encoder",
            "prefill",
            "decode",
            "peak",
            "KV cache",
            "empty",
            "cut",
            "failed"));
    line(out, head);
    line(out, head.stream().map(c -> "---").toList());
    for (Setting s : r.settings()) {
      List<String> cells = new ArrayList<>(List.of(s.name()));
      for (Kind kind : r.kinds()) {
        Figures.Row row = r.figures().all(s, kind);
        cells.add(interval(row, Columns.QUALITY, Columns.QUALITY_LOW, Columns.QUALITY_HIGH));
        cells.add(
            interval(row, Columns.DIFFERENCE, Columns.DIFFERENCE_LOW, Columns.DIFFERENCE_HIGH));
        cells.add(text(row, r.pColumn(kind)));
        cells.add(
            row.has(Columns.LOST)
                ? text(row, Columns.LOST) + " / " + text(row, Columns.GAINED)
                : "\u2013");
      }
      Figures.Row costs = r.figures().costs(s);
      Columns.COSTS.forEach(column -> cells.add(text(costs, column)));
      cells.add(text(costs, Columns.EMPTY));
      cells.add(text(costs, Columns.CUT));
      cells.add(text(costs, Columns.FAILED));
      line(out, cells);
    }
  }

  private static void tasks(StringBuilder out, Report r, Kind kind) {
    List<String> keys = new ArrayList<>(List.of(Figures.ALL));
    keys.addAll(r.figures().categories(kind));
    keys.add(Figures.CATEGORY_MEAN);
    List<String> head = new ArrayList<>(List.of("setting"));
    keys.forEach(k -> head.add(k.replaceAll("[()]", "")));
    line(out, head);
    line(out, head.stream().map(c -> "---").toList());
    String column = Columns.of(Variant.STRICT, Columns.primary(kind));
    for (Setting s : r.settings()) {
      List<String> cells = new ArrayList<>(List.of(s.name()));
      keys.forEach(k -> cells.add(text(r.figures().row(s, Figures.word(kind), k), column)));
      line(out, cells);
    }
  }

  private static void metrics(StringBuilder out, Report r, Kind kind, Variant variant) {
    List<Metric> metrics = TasksSection.known(r, kind, variant);
    if (metrics.isEmpty()) {
      return;
    }
    out.append("\n### ").append(TasksSection.caption(kind, variant)).append("\n\n");
    List<String> head = new ArrayList<>(List.of("setting"));
    metrics.forEach(m -> head.add(m.label()));
    line(out, head);
    line(out, head.stream().map(c -> "---").toList());
    for (Setting s : r.settings()) {
      List<String> cells = new ArrayList<>(List.of(s.name()));
      Figures.Row row = r.figures().all(s, kind);
      metrics.forEach(m -> cells.add(text(row, Columns.of(variant, m))));
      line(out, cells);
    }
  }

  private static void lesions(StringBuilder out, Report r) {
    List<String> groups = r.figures().categories(LesionFigures.KIND);
    if (groups.isEmpty()) {
      return;
    }
    out.append("\n## ").append(LesionsSection.TITLE).append("\n\n");
    out.append(LesionsSection.lead(r)).append("\n\n");
    List<String> head = new ArrayList<>(List.of("setting"));
    head.addAll(groups);
    line(out, head);
    line(out, head.stream().map(c -> "---").toList());
    for (Setting s : r.settings()) {
      List<String> cells = new ArrayList<>(List.of(s.name()));
      for (String group : groups) {
        Figures.Row row = r.figures().row(s, LesionFigures.KIND, group);
        cells.add(text(row, Columns.QUALITY) + " of " + text(row, Columns.SAMPLES));
      }
      line(out, cells);
    }
  }

  private static String interval(Figures.Row row, String column, String low, String high) {
    return text(row, column)
        + (row.has(low) ? " [" + text(row, low) + ", " + text(row, high) + "]" : "");
  }

  private static String text(Figures.Row row, String column) {
    return Columns.text(column, row.get(column));
  }

  private static void line(StringBuilder out, List<String> cells) {
    cells.forEach(c -> out.append("| ").append(escape(c)).append(' '));
    out.append("|\n");
  }

  /** Texts of a benchmark may hold what Markdown would read as markup. */
  private static String escape(String text) {
    return text.replaceAll("([\\\\`*_{}\\[\\]<>#|])", "\\\\$1").replaceAll("\\s+", " ");
  }
}
