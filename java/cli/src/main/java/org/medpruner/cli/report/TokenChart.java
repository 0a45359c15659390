package org.medpruner.cli.report;

import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.html.Chart;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;
import org.medpruner.eval.html.Ticks;

/** Tokens of each slice that the language model was given, as stacked bars. */
final class TokenChart {
  private static final double TOP = 22;
  private static final double BOTTOM = 200;
  private static final double HEIGHT = 244;

  private TokenChart() {}

  static void write(Html h, Page page) {
    int n = page.report().tokensPerSlice();
    h.open("section", "id", "tokens", "aria-labelledby", "tokens-h");
    h.leaf("h2", "Tokens per slice", "id", "tokens-h").raw("\n");
    if (n <= 0) {
      h.leaf("p", "No model was involved, so no slice became tokens.", "class", "lead");
      SliceTable.write(h, page);
      h.closeLine();
      return;
    }
    h.leaf(
        "p",
        Numbers.count(page.tokensKept())
            + " visual tokens of "
            + Numbers.count(page.tokensAll())
            + " reach the language model; an unpruned slice has "
            + n
            + ".",
        "class",
        "lead");
    int most = 1;
    boolean pruned = false;
    boolean whole = false;
    boolean corner = false;
    for (SliceReport s : page.report().slices()) {
      most = Math.max(most, s.tokens());
      pruned |= selected(s) > 0;
      boolean rest = s.tokens() > selected(s);
      whole |= rest && s.kept();
      corner |= rest && !s.kept();
    }
    // The unpruned count is drawn only where it leaves the bars at least half the height.
    boolean line = n <= 2 * most;
    double top = (line ? Math.max(n, most) : most) * 1.06;
    legend(h, pruned, whole, corner, line, n);
    Chart.open(
        h,
        SliceAxis.WIDTH,
        HEIGHT,
        "Tokens of "
            + page.count()
            + " slices given to the language model, at most "
            + most
            + "; an unpruned slice has "
            + n
            + ". The table of all slices has the numbers.");
    SliceAxis axis = new SliceAxis(page.count());
    grid(h, axis, top);
    for (int i = 0; i < page.count(); i++) {
      bar(h, page, axis, i, top);
    }
    if (line) {
      axis.line(h, "full", y(n, top));
    }
    Chart.text(h, "slice index as presented", "ax", SliceAxis.LEFT, BOTTOM + 38);
    h.closeLine();
    h.close();
    SliceTable.write(h, page);
    h.closeLine();
  }

  private static double y(double v, double top) {
    return BOTTOM - v / top * (BOTTOM - TOP);
  }

  private static void grid(Html h, SliceAxis axis, double top) {
    for (double t : Ticks.upTo(top)) {
      if (t == Math.rint(t)) {
        axis.grid(h, y(t, top), Numbers.count((long) t));
      }
    }
    axis.slices(h, BOTTOM);
  }

  private static void bar(Html h, Page page, SliceAxis axis, int i, double top) {
    SliceReport s = page.slice(i);
    if (s.tokens() == 0) {
      return;
    }
    boolean split = selected(s) > 0;
    h.open("g", "class", "m", "data-i", Integer.toString(i));
    h.leaf(
        "title",
        "Slice "
            + i
            + ": "
            + s.tokens()
            + (s.tokens() == 1 ? " token" : " tokens")
            + (split
                ? " (nucleus " + s.nucleus() + ", contextual targets " + s.targets() + ")"
                : ""));
    double base = part(h, axis, i, 0, split ? s.nucleus() : 0, "b-nuc", top);
    base = part(h, axis, i, base, split ? s.targets() : 0, "b-tgt", top);
    part(h, axis, i, base, s.tokens() - selected(s), "b-rest", top);
    h.close();
  }

  /**
   * Tokens that reached the language model because stage 2 chose them: none of a dropped slice,
   * even where stage 2 ran on it, as it does when the encoder sees all slices.
   */
  private static int selected(SliceReport s) {
    int chosen = s.nucleus() + s.targets();
    return s.kept() && chosen <= s.tokens() ? chosen : 0;
  }

  private static double part(
      Html h, SliceAxis axis, int i, double base, int tokens, String cssClass, double top) {
    if (tokens > 0) {
      double gap = Math.min(2, axis.slot() * 0.12);
      double y = y(base + tokens, top);
      h.empty(
          "rect",
          "class",
          cssClass,
          "x",
          Numbers.svg(axis.start(i) + gap),
          "width",
          Numbers.svg(axis.slot() - 2 * gap),
          "y",
          Numbers.svg(y),
          "height",
          Numbers.svg(y(base, top) - y));
    }
    return base + tokens;
  }

  private static void legend(
      Html h, boolean pruned, boolean whole, boolean corner, boolean line, int n) {
    h.open("ul", "class", "legend");
    if (pruned) {
      Chart.key(h, "<rect class=\"b-nuc\" x=\"2\" y=\"2\" width=\"12\" height=\"12\"/>", "nucleus");
      Chart.key(
          h,
          "<rect class=\"b-tgt\" x=\"2\" y=\"2\" width=\"12\" height=\"12\"/>",
          "contextual targets");
    }
    if (whole) {
      Chart.key(
          h,
          "<rect class=\"b-rest\" x=\"2\" y=\"2\" width=\"12\" height=\"12\"/>",
          "given unpruned");
    }
    if (corner) {
      Chart.key(
          h,
          "<rect class=\"b-rest\" x=\"2\" y=\"2\" width=\"12\" height=\"12\"/>",
          "left by a dropped slice");
    }
    if (line) {
      Chart.key(h, "<path class=\"k-full\" d=\"M0 8h16\"/>", "an unpruned slice, " + n);
    }
    h.closeLine();
  }
}
