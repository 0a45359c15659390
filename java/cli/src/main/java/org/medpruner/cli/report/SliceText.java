package org.medpruner.cli.report;

import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.html.Numbers;

/** Slices in words, for alternative texts and tooltips. */
final class SliceText {
  private SliceText() {}

  /** "Slice 13: dropped, represented by slice 12; distance 0.0312; position −4.0 mm". */
  static String describe(Page page, int i) {
    SliceReport s = page.slice(i);
    StringBuilder out = new StringBuilder("Slice ").append(i).append(": ");
    if (s.kept()) {
      out.append("kept");
      if (!Double.isFinite(s.distance())) {
        out.append(" because its distance is not finite");
      } else if (page.keptByGuard(i)) {
        out.append(" by a guard");
      }
      int n = page.runs().members(i).size();
      out.append(n > 1 ? ", stands for slices " + page.runs().range(i) : "");
    } else {
      out.append("dropped, represented by slice ").append(page.runs().anchor(i));
    }
    out.append("; distance ").append(Numbers.value(s.distance()));
    String mm = Numbers.millimetres(s.positionMm());
    out.append(mm.isEmpty() ? "" : "; position " + mm);
    return out.toString();
  }
}
