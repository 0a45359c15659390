package org.medpruner.eval.report;

import java.util.List;
import org.medpruner.eval.Setting;
import org.medpruner.eval.html.Html;

/** Where pruning loses lesions, for a benchmark that says where they are. */
final class LesionsSection {
  static final String TITLE = "Lesions";

  private LesionsSection() {}

  static String lead(Report r) {
    return "Questions that one lesion decides: accuracy in per cent and their number, by the"
        + " lesion's kind and organ"
        + (LesionFigures.slicesKnown(r.run())
            ? " and by what slice anchoring left of the slices that show it."
            : "; with fewer slices shown than a phantom has, not by the lesion's slices.");
  }

  static void write(Html h, Report r) {
    List<String> groups = r.figures().categories(LesionFigures.KIND);
    if (groups.isEmpty()) {
      return;
    }
    h.open("section", "id", "lesions", "aria-labelledby", "lesions-h");
    h.leaf("h2", TITLE, "id", "lesions-h").raw("\n");
    h.leaf("p", lead(r), "class", "lead");
    h.open("div", "class", "scroll card", "tabindex", "0", "role", "region", "aria-label", TITLE);
    h.open("table", "class", "num").leaf("caption", TITLE).open("thead").open("tr");
    h.leaf("th", "#", "scope", "col").leaf("th", "setting", "scope", "col");
    groups.forEach(g -> h.leaf("th", g, "scope", "col"));
    h.close().close().open("tbody");
    for (int i = 0; i < r.settings().size(); i++) {
      Setting s = r.settings().get(i);
      h.open("tr").leaf("td", Integer.toString(i + 1)).leaf("th", s.name(), "scope", "row");
      for (String group : groups) {
        Figures.Row row = r.figures().row(s, LesionFigures.KIND, group);
        h.open("td");
        Cells.figure(h, row, Columns.QUALITY);
        h.open("small").text(" of ");
        Cells.figure(h, row, Columns.SAMPLES);
        h.close().close();
      }
      h.closeLine();
    }
    h.close().close();
    h.closeLine();
    h.closeLine();
  }
}
