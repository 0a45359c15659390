package org.medpruner.cli.report;

import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;

/** All numbers of all slices: what the charts show, for those who cannot see or want to copy. */
final class SliceTable {
  private SliceTable() {}

  static void write(Html h, Page page) {
    h.open("details", "class", "card");
    h.leaf("summary", "Table of all slices");
    h.open("div", "class", "scroll").open("table", "class", "num");
    h.open("thead").open("tr");
    for (String head :
        new String[] {
          "Slice",
          "In file",
          "Position",
          "Stage 1",
          "Distance",
          "Represented by",
          "Nucleus",
          "Targets",
          "Tokens",
          "Nucleus mass"
        }) {
      h.leaf("th", head, "scope", "col");
    }
    h.close().closeLine().open("tbody");
    for (int i = 0; i < page.count(); i++) {
      SliceReport s = page.slice(i);
      boolean pruned = s.nucleus() + s.targets() > 0;
      h.open("tr", "class", s.kept() ? "kept" : "dropped");
      h.leaf("th", Integer.toString(i), "scope", "row");
      h.leaf("td", Integer.toString(s.sourceIndex()));
      h.leaf("td", Numbers.millimetres(s.positionMm()));
      h.leaf("td", !s.kept() ? "dropped" : page.keptByGuard(i) ? "kept by a guard" : "kept");
      h.leaf("td", Numbers.value(s.distance()));
      h.leaf("td", s.kept() ? "itself" : Integer.toString(page.runs().anchor(i)));
      h.leaf("td", pruned ? Integer.toString(s.nucleus()) : "");
      h.leaf("td", pruned ? Integer.toString(s.targets()) : "");
      h.leaf("td", Integer.toString(s.tokens()));
      h.leaf("td", pruned ? Numbers.percent(s.massKept()) : "");
      h.closeLine();
    }
    h.close().close().close().closeLine();
  }
}
