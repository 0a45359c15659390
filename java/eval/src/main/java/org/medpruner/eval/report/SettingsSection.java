package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.Setting;
import org.medpruner.eval.html.Html;

/** The table of settings: what each keeps, scores and costs. */
final class SettingsSection {
  /** How much a setting may lose to count as equal to no pruning: one percentage point. */
  private static final double TOLERATED_LOSS = 0.01;

  private SettingsSection() {}

  static void write(Html h, Report r) {
    h.open("section", "id", "settings", "aria-labelledby", "settings-h");
    h.leaf("h2", "Settings", "id", "settings-h").raw("\n");
    for (Kind kind : r.kinds()) {
      h.leaf("p", verdict(r, kind), "class", "lead");
    }
    h.open(
        "div",
        "class",
        "scroll card",
        "tabindex",
        "0",
        "role",
        "region",
        "aria-label",
        "Table of settings");
    h.open("table", "class", "num settings");
    h.leaf("caption", "Scores in per cent, 95 % intervals in brackets; times are medians");
    head(h, r);
    h.open("tbody");
    for (int i = 0; i < r.settings().size(); i++) {
      row(h, r, i);
    }
    h.close().close();
    h.closeLine();
    notes(h, r);
    h.closeLine();
  }

  private static void head(Html h, Report r) {
    h.open("thead").open("tr");
    h.leaf("th", "", "colspan", "2");
    for (Kind kind : r.kinds()) {
      h.leaf("th", Columns.title(kind), "colspan", "4", "class", "group");
    }
    h.leaf("th", "kept", "colspan", "3", "class", "group");
    h.leaf("th", "time", "colspan", "3", "class", "group");
    h.leaf("th", "memory", "colspan", "2", "class", "group");
    h.leaf("th", "answers", "colspan", "3", "class", "group").close().open("tr");
    column(h, "#", "Number of the setting in the charts");
    column(h, "setting", "Preset, and what was changed of it");
    for (Kind kind : r.kinds()) {
      column(
          h, "score", "Strict " + Columns.primary(kind).label() + ", mean over answered samples");
      column(h, "against off", "Mean difference to the setting off on the same samples");
      column(h, "p", r.testOf(kind));
      column(h, "lost / gained", "Answers that score lower, and higher, than under off");
    }
    column(h, "slices", "Share of slices kept, mean over volumes");
    column(h, "tokens", "Share of visual tokens kept within kept slices, mean over volumes");
    column(
        h, "overall", "Share of all visual tokens given to the language model, mean over volumes");
    column(h, "encoder", "Vision encoder and projector, a volume");
    column(h, "prefill", "Prompt to first token, a question");
    column(h, "decode", "Further tokens, a question");
    column(h, "peak", "Most resident memory of the process at any sample");
    column(h, "KV cache", "Key-value cache after prefill, mean");
    column(h, "empty", "Answers that say nothing; of reports, but headings");
    column(h, "cut", "Answers that ended at their length limit");
    column(h, "failed", "Samples without an answer");
    h.close().close();
  }

  private static void column(Html h, String name, String title) {
    h.leaf("th", name, "scope", "col", "title", title);
  }

  private static void row(Html h, Report r, int i) {
    Setting s = r.settings().get(i);
    h.open("tr").leaf("td", Integer.toString(i + 1)).leaf("th", s.name(), "scope", "row");
    for (Kind kind : r.kinds()) {
      Figures.Row row = r.figures().all(s, kind);
      Cells.cell(h, row, Columns.QUALITY, Columns.QUALITY_LOW, Columns.QUALITY_HIGH);
      Cells.cell(h, row, Columns.DIFFERENCE, Columns.DIFFERENCE_LOW, Columns.DIFFERENCE_HIGH);
      Cells.cell(h, row, r.pColumn(kind));
      h.open("td");
      Cells.figure(h, row, Columns.LOST);
      if (row.has(Columns.LOST)) {
        h.text(" / ");
        Cells.figure(h, row, Columns.GAINED);
      }
      h.close();
    }
    Figures.Row costs = r.figures().costs(s);
    for (String column : Columns.COSTS) {
      Cells.cell(h, costs, column);
    }
    for (String column : List.of(Columns.EMPTY, Columns.CUT, Columns.FAILED)) {
      h.open("td", "class", costs.get(column) > 0 ? "bad-text" : null);
      Cells.figure(h, costs, column);
      h.close();
    }
    h.closeLine();
  }

  /** What keeps least without losing more than a percentage point. */
  static String verdict(Report r, Kind kind) {
    Figures.Row off = r.figures().all(r.settings().getFirst(), kind);
    Optional<Setting> least =
        r.settings().stream()
            .skip(1)
            .filter(
                s ->
                    r.figures().all(s, kind).get(Columns.DIFFERENCE) >= -TOLERATED_LOSS
                        && r.figures().costs(s).has(Columns.OVERALL_RATE))
            .min(Comparator.comparingDouble(s -> r.figures().costs(s).get(Columns.OVERALL_RATE)));
    String title = Columns.title(kind);
    if (r.settings().size() == 1 || !off.has(Columns.QUALITY)) {
      return title + ": nothing to compare with.";
    }
    String unpruned = Columns.text(Columns.QUALITY, off.get(Columns.QUALITY)) + " % unpruned.";
    return least
        .map(
            s ->
                title
                    + ": "
                    + unpruned
                    + " Least kept without losing more than a percentage point: "
                    + s.name()
                    + ", with "
                    + Columns.text(
                        Columns.OVERALL_RATE, r.figures().costs(s).get(Columns.OVERALL_RATE))
                    + " of the visual tokens and "
                    + Columns.text(Columns.QUALITY, r.figures().all(s, kind).get(Columns.QUALITY))
                    + " %.")
        .orElse(
            title + ": " + unpruned + " Every other setting loses more than a percentage point.");
  }

  private static void notes(Html h, Report r) {
    List<String> notes = new ArrayList<>(r.warnings());
    notes.addAll(r.methods());
    h.open("ul", "class", "muted small notes-list");
    notes.forEach(n -> h.leaf("li", n));
    h.close();
  }
}
