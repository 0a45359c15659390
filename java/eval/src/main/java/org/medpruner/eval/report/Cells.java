package org.medpruner.eval.report;

import org.medpruner.eval.html.Html;

/** Figures in markup, each with where {@code results.csv} has it. */
final class Cells {
  private Cells() {}

  /** A figure as text. */
  static Html figure(Html h, Figures.Row row, String column) {
    double value = row.get(column);
    String text = Columns.text(column, value);
    if (!Double.isFinite(value)) {
      return h.leaf("span", text, "class", "muted");
    }
    Figures.Key key = row.key();
    return h.leaf(
        "data",
        text,
        "value",
        Columns.plain(value),
        "data-at",
        key.setting() + "|" + key.kind() + "|" + key.category() + "|" + column);
  }

  /** A table cell with one figure. */
  static void cell(Html h, Figures.Row row, String column) {
    h.open("td");
    figure(h, row, column);
    h.close();
  }

  /** A table cell with a figure and its interval. */
  static void cell(Html h, Figures.Row row, String column, String low, String high) {
    h.open("td");
    figure(h, row, column);
    if (row.has(low)) {
      h.open("small").text(" [");
      figure(h, row, low);
      h.text(", ");
      figure(h, row, high);
      h.text("]").close();
    }
    h.close();
  }
}
