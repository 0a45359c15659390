package org.medpruner.cli.report;

import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.html.Chart;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;
import org.medpruner.eval.html.Ticks;

/** Stage 1's distances against gamma, one mark per slice. */
final class DistanceChart {
  private static final double TOP = 26;
  private static final double BOTTOM = 232;
  private static final double STRIP = 262;
  private static final double HEIGHT = 306;

  private DistanceChart() {}

  static void write(Html h, Page page) {
    double gamma = page.report().policy().gamma();
    boolean anchoring = page.report().policy().sliceAnchoring();
    int broken = 0;
    int guarded = 0;
    double top = 0;
    for (int i = 0; i < page.count(); i++) {
      double v = page.slice(i).distance();
      broken += Double.isFinite(v) ? 0 : 1;
      guarded += page.keptByGuard(i) ? 1 : 0;
      top = Double.isFinite(v) ? Math.max(top, v) : top;
    }
    boolean line = anchoring && Double.isFinite(gamma) && gamma > 0;
    top = Math.max(line ? Math.max(top, gamma) : top, 1e-6) * 1.06;

    h.open("section", "id", "distances", "aria-labelledby", "distances-h");
    h.leaf("h2", "Distance to the anchor", "id", "distances-h").raw("\n");
    h.leaf(
        "p",
        anchoring
            ? "Mean absolute pixel difference of each slice to the kept slice before it. Above gamma = "
                + Numbers.plain(gamma)
                + " the slice is kept and becomes the next anchor; the others are dropped and"
                + " represented by theirs."
            : "Slice anchoring is off in this policy: every slice is kept, whatever its distance.",
        "class",
        "lead");
    legend(h, page, broken > 0, guarded > 0, line);
    Chart.open(
        h,
        SliceAxis.WIDTH,
        HEIGHT,
        "Distance of "
            + page.count()
            + " slices to their anchors; "
            + page.runs().kept().size()
            + " kept, gamma "
            + Numbers.plain(gamma)
            + ", "
            + broken
            + " not finite. The table of all slices below has the numbers.");
    SliceAxis axis = new SliceAxis(page.count());
    grid(h, axis, top);
    for (int i = 0; i < page.count(); i++) {
      mark(h, page, axis, i, y(page.slice(i).distance(), top));
    }
    if (line) {
      axis.line(h, "gamma", y(gamma, top));
      Chart.text(
          h, "\u03b3 " + Numbers.plain(gamma), "ax gamma-text", axis.end() + 7, y(gamma, top) + 4);
    }
    runs(h, page, axis);
    h.closeLine();
    h.close();
    h.closeLine();
  }

  private static double y(double v, double top) {
    return Double.isFinite(v) ? BOTTOM - Math.max(0, v) / top * (BOTTOM - TOP) : TOP - 10;
  }

  private static void grid(Html h, SliceAxis axis, double top) {
    for (double t : Ticks.upTo(top)) {
      axis.grid(h, y(t, top), Numbers.plain((double) Math.round(t * 1e6) / 1e6));
    }
    axis.slices(h, BOTTOM);
  }

  private static void mark(Html h, Page page, SliceAxis axis, int i, double y) {
    SliceReport s = page.slice(i);
    boolean finite = Double.isFinite(s.distance());
    double r = Math.clamp(axis.slot() * 0.36, 1.3, 4.5);
    double x = axis.middle(i);
    String kind = !finite ? "bad" : s.kept() ? "kept" : "dropped";
    h.open("g", "class", "m " + kind, "data-i", Integer.toString(i));
    h.leaf("title", SliceText.describe(page, i));
    h.empty(
        "line",
        "class",
        "stem",
        "x1",
        Numbers.svg(x),
        "x2",
        Numbers.svg(x),
        "y1",
        Numbers.svg(BOTTOM),
        "y2",
        Numbers.svg(finite ? y : TOP),
        "stroke-width",
        Numbers.svg(Math.clamp(axis.slot() * 0.28, 0.7, 2)));
    if (!finite) {
      double t = Math.max(r, 3.5) + 1;
      h.empty(
          "path",
          "d",
          "M"
              + Numbers.svg(x)
              + " "
              + Numbers.svg(y - t)
              + "l"
              + Numbers.svg(t)
              + " "
              + Numbers.svg(1.8 * t)
              + "h-"
              + Numbers.svg(2 * t)
              + "z");
    } else if (page.keptByGuard(i)) {
      double t = r * 1.3;
      h.empty(
          "path",
          "d",
          "M" + Numbers.svg(x) + " " + Numbers.svg(y - t) + diamondTail(Numbers.svg(t)));
    } else {
      h.empty("circle", "cx", Numbers.svg(x), "cy", Numbers.svg(y), "r", Numbers.svg(r));
    }
    h.close();
  }

  private static String diamondTail(String t) {
    return "l" + t + " " + t + "l-" + t + " " + t + "l-" + t + " -" + t + "z";
  }

  /** The strip under the chart: every anchor and how far it stands for its neighbours. */
  private static void runs(Html h, Page page, SliceAxis axis) {
    for (int i = 0; i < page.count(); i++) {
      boolean kept = page.slice(i).kept();
      double gap = Math.min(1, axis.slot() * 0.15);
      h.empty(
          "rect",
          "class",
          (kept ? "run anchor" : "run") + (page.runs().second(i) ? " b" : ""),
          "data-i",
          Integer.toString(i),
          "x",
          Numbers.svg(axis.start(i) + (kept ? gap : 0)),
          "y",
          Numbers.svg(STRIP),
          "width",
          Numbers.svg(axis.slot() - (kept ? gap : 0)),
          "height",
          "10");
    }
    Chart.text(
        h,
        "slice index as presented; the strip shows each anchor and the slices it stands for",
        "ax",
        SliceAxis.LEFT,
        STRIP + 28);
  }

  private static void legend(Html h, Page page, boolean broken, boolean guarded, boolean line) {
    h.open("ul", "class", "legend");
    Chart.key(h, "<circle class=\"k-kept\" cx=\"8\" cy=\"8\" r=\"4.5\"/>", "kept");
    if (page.runs().kept().size() < page.count()) {
      Chart.key(h, "<circle class=\"k-dropped\" cx=\"8\" cy=\"8\" r=\"4\"/>", "dropped");
    }
    if (guarded) {
      Chart.key(
          h,
          "<path class=\"k-kept\" d=\"M8 2l6 6l-6 6l-6 -6z\"/>",
          "kept by a guard although not above gamma");
    }
    if (broken) {
      Chart.key(h, "<path class=\"k-bad\" d=\"M8 2l6 11h-12z\"/>", "not finite: kept and flagged");
    }
    if (line) {
      Chart.key(h, "<path class=\"k-gamma\" d=\"M0 8h16\"/>", "gamma, the threshold");
    }
    h.closeLine();
  }
}
