package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.Setting;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;
import org.medpruner.eval.metrics.Metric;
import org.medpruner.eval.metrics.Variant;

/** Scores by category, and every metric in both variants. */
final class TasksSection {
  static final String METRICS = "All metrics";
  static final String METRICS_LEAD =
      "In per cent, means over samples. Strict: without the quirks of the benchmarks' reference"
          + " code, by the rules of docs/metrics.md. Reference: as that code computes it,"
          + " quirks included; for reports it has no exact match and no F1, so that its code for"
          + " open questions gives them.";

  private TasksSection() {}

  static void write(Html h, Report r) {
    h.open("section", "id", "tasks", "aria-labelledby", "tasks-h");
    h.leaf("h2", "By task", "id", "tasks-h").raw("\n");
    h.leaf(
        "p",
        "Strict scores in per cent. The last column weighs every category the same, as the"
            + " benchmarks' reference code does for its overall score.",
        "class",
        "lead");
    for (Kind kind : r.kinds()) {
      categories(h, r, kind);
    }
    h.closeLine();
    h.open("section", "id", "metrics", "aria-labelledby", "metrics-h");
    h.leaf("h2", METRICS, "id", "metrics-h").raw("\n");
    h.leaf("p", METRICS_LEAD, "class", "lead");
    for (Kind kind : r.kinds()) {
      for (Variant variant : Variant.values()) {
        metrics(h, r, kind, variant);
      }
    }
    h.closeLine();
  }

  private static void categories(Html h, Report r, Kind kind) {
    String column = Columns.of(Variant.STRICT, Columns.primary(kind));
    List<String> keys = new ArrayList<>(List.of(Figures.ALL));
    keys.addAll(r.figures().categories(kind));
    keys.add(Figures.CATEGORY_MEAN);
    table(
        h,
        r,
        Columns.title(kind),
        keys.stream().map(k -> k.equals(Figures.ALL) ? "all" : k.replaceAll("[()]", "")).toList(),
        s -> keys.stream().map(k -> r.figures().row(s, Figures.word(kind), k)).toList(),
        keys.stream().map(k -> column).toList(),
        counts(r, kind, keys));
  }

  /** "(120)": samples of each category; the mean over categories has none. */
  private static List<String> counts(Report r, Kind kind, List<String> keys) {
    Setting first = r.settings().getFirst();
    return keys.stream()
        .map(k -> r.figures().row(first, Figures.word(kind), k).get(Columns.SAMPLES))
        .map(n -> Double.isFinite(n) ? Numbers.count(Math.round(n)) : "")
        .toList();
  }

  /** Metrics of a kind that any setting has a value of. */
  static List<Metric> known(Report r, Kind kind, Variant variant) {
    List<Metric> metrics = new ArrayList<>();
    for (Metric m : Metric.values()) {
      if (r.settings().stream()
          .anyMatch(s -> r.figures().all(s, kind).has(Columns.of(variant, m)))) {
        metrics.add(m);
      }
    }
    return metrics;
  }

  static String caption(Kind kind, Variant variant) {
    return (variant == Variant.STRICT ? "Strict, " : "Reference, ")
        + Figures.word(kind)
        + " questions";
  }

  private static void metrics(Html h, Report r, Kind kind, Variant variant) {
    List<Metric> metrics = known(r, kind, variant);
    table(
        h,
        r,
        caption(kind, variant),
        metrics.stream().map(Metric::label).toList(),
        s -> metrics.stream().map(m -> r.figures().all(s, kind)).toList(),
        metrics.stream().map(m -> Columns.of(variant, m)).toList(),
        List.of());
  }

  private static void table(
      Html h,
      Report r,
      String caption,
      List<String> heads,
      Function<Setting, List<Figures.Row>> rows,
      List<String> columns,
      List<String> counts) {
    h.open("div", "class", "scroll card", "tabindex", "0", "role", "region", "aria-label", caption);
    h.open("table", "class", "num");
    h.leaf("caption", caption).open("thead").open("tr");
    h.leaf("th", "#", "scope", "col").leaf("th", "setting", "scope", "col");
    for (int i = 0; i < heads.size(); i++) {
      h.open("th", "scope", "col").text(heads.get(i));
      if (!counts.isEmpty() && !counts.get(i).isEmpty()) {
        h.leaf("small", " n " + counts.get(i));
      }
      h.close();
    }
    h.close().close().open("tbody");
    for (int i = 0; i < r.settings().size(); i++) {
      Setting s = r.settings().get(i);
      h.open("tr").leaf("td", Integer.toString(i + 1)).leaf("th", s.name(), "scope", "row");
      List<Figures.Row> of = rows.apply(s);
      for (int k = 0; k < columns.size(); k++) {
        Cells.cell(h, of.get(k), columns.get(k));
      }
      h.closeLine();
    }
    h.close().close();
    h.closeLine();
  }
}
