package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.Setting;
import org.medpruner.eval.html.Chart;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;
import org.medpruner.eval.html.Ticks;

/** Quality against the share of visual tokens kept, one point a setting. */
final class RetentionChart {
  private static final double WIDTH = 1200;
  private static final double LEFT = 64;
  private static final double RIGHT = 28;
  private static final double TOP = 20;
  private static final double BOTTOM = 380;
  private static final double HEIGHT = 430;

  private static final List<Double> RATES =
      List.of(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0);

  private final Report report;
  private final Kind kind;
  private final List<Point> points = new ArrayList<>();
  private double leastRate = 1;
  private double low = 1;
  private double high;

  /** Width of a digit of the numbers: bold DejaVu Sans at 12 px, the widest usual sans-serif. */
  private static final double DIGIT = 8.4;

  /** Places of a number beside its mark, from the mark's middle to the text's anchor. */
  private static final double[][] PLACES = {
    {11, 4}, {-11, 4}, {0, -10}, {0, 18}, {12, -9}, {-12, -9}
  };

  /** What a mark or a number covers. */
  private record Box(double left, double top, double right, double bottom) {
    static Box ofMark(double x, double y) {
      return new Box(x - 7.5, y - 7.5, x + 7.5, y + 7.5);
    }

    /** Digits stand on the line: 9 px of the 12 are above it. */
    static Box ofText(String text, String anchor, double x, double y) {
      double width = text.length() * DIGIT;
      double left = x - (anchor.equals("end") ? width : anchor.equals("mid") ? width / 2 : 0);
      return new Box(left, y - 10, left + width, y + 1);
    }

    boolean meets(Box o) {
      return left < o.right && o.left < right && top < o.bottom && o.top < bottom;
    }
  }

  /** Where a setting stands. */
  private record Point(int number, Setting setting, Figures.Row row, double rate, double quality) {}

  private RetentionChart(Report report, Kind kind) {
    this.report = report;
    this.kind = kind;
    int number = 0;
    for (Setting s : report.settings()) {
      number++;
      Figures.Row row = report.figures().all(s, kind);
      double rate = report.figures().costs(s).get(Columns.OVERALL_RATE);
      if (row.has(Columns.QUALITY) && rate > 0) {
        double quality = row.get(Columns.QUALITY);
        points.add(new Point(number, s, row, rate, quality));
        leastRate = Math.min(leastRate, rate);
        low = Math.min(low, row.has(Columns.QUALITY_LOW) ? row.get(Columns.QUALITY_LOW) : quality);
        high =
            Math.max(high, row.has(Columns.QUALITY_HIGH) ? row.get(Columns.QUALITY_HIGH) : quality);
      }
    }
    double room = Math.max(0.02, (high - low) * 0.08);
    low = Math.max(0, low - room);
    high = Math.min(1, high + room);
    leastRate = Math.max(0.001, leastRate * 0.8);
  }

  static void write(Html h, Report report) {
    h.open("section", "id", "curve", "aria-labelledby", "curve-h");
    h.leaf("h2", "Quality against retention", "id", "curve-h").raw("\n");
    h.leaf(
        "p",
        "Numbers are those of the table. Bars are 95 % intervals; the dashed line is off. The solid"
            + " line joins the settings that no other beats with fewer tokens.",
        "class",
        "lead");
    for (Kind kind : report.kinds()) {
      new RetentionChart(report, kind).write(h);
    }
    h.closeLine();
  }

  private void write(Html h) {
    h.leaf("h3", Columns.title(kind) + " (%) over share of visual tokens kept");
    if (points.isEmpty()) {
      h.leaf("p", "No setting has a score yet.", "class", "muted");
      return;
    }
    legend(h);
    Chart.open(
        h,
        WIDTH,
        HEIGHT,
        Columns.title(kind)
            + " of "
            + points.size()
            + " settings against the share of visual tokens kept. The table of settings has the"
            + " numbers.");
    grid(h);
    baseline(h);
    frontier(h);
    List<Box> taken = new ArrayList<>();
    points.forEach(p -> taken.add(Box.ofMark(x(p.rate), y(p.quality))));
    for (Point p : points) {
      mark(h, p, taken);
    }
    h.close();
    h.closeLine();
  }

  private double x(double rate) {
    double share = Math.log(Math.max(rate, leastRate) / leastRate) / -Math.log(leastRate);
    return LEFT + share * (WIDTH - LEFT - RIGHT);
  }

  private double y(double quality) {
    return BOTTOM - (quality - low) / (high - low) * (BOTTOM - TOP);
  }

  private void grid(Html h) {
    for (double t : Ticks.between(low * 100, high * 100)) {
      String at = Numbers.svg(y(t / 100));
      Chart.line(h, "grid", LEFT, WIDTH - RIGHT, y(t / 100), y(t / 100));
      h.leaf(
          "text",
          Numbers.plain(round(t)),
          "class",
          "ax end",
          "x",
          Numbers.svg(LEFT - 8),
          "y",
          at,
          "dy",
          "4");
    }
    for (double rate : RATES) {
      if (rate >= leastRate) {
        double at = x(rate);
        Chart.line(h, "grid", at, at, TOP, BOTTOM);
        Chart.text(
            h,
            Numbers.plain(round(rate * 100)) + " %",
            rate == 1 ? "ax end" : "ax mid",
            rate == 1 ? at + 12 : at,
            BOTTOM + 18);
      }
    }
    Chart.text(
        h, "visual tokens given to the language model, logarithmic", "ax", LEFT, BOTTOM + 40);
  }

  private static double round(double v) {
    return Math.round(v * 1e4) / 1e4;
  }

  private void baseline(Html h) {
    Setting off = report.settings().getFirst();
    points.stream()
        .filter(p -> p.setting.equals(off))
        .findFirst()
        .ifPresent(p -> Chart.line(h, "full", LEFT, WIDTH - RIGHT, y(p.quality), y(p.quality)));
  }

  /** Settings that no other beats with fewer tokens. */
  private void frontier(Html h) {
    List<Point> best = new ArrayList<>();
    points.stream()
        .sorted(
            Comparator.comparingDouble(Point::rate)
                .thenComparing(Comparator.comparingDouble(Point::quality).reversed()))
        .forEach(
            p -> {
              if (best.isEmpty() || p.quality > best.getLast().quality) {
                best.add(p);
              }
            });
    StringBuilder path = new StringBuilder();
    for (Point p : best) {
      path.append(path.isEmpty() ? "M" : "L")
          .append(Numbers.svg(x(p.rate)))
          .append(' ')
          .append(Numbers.svg(y(p.quality)));
    }
    h.empty("path", "class", "frontier", "d", path.toString());
  }

  private void mark(Html h, Point p, List<Box> taken) {
    double x = x(p.rate);
    double y = y(p.quality);
    h.open("g", "class", "pt " + family(p.setting));
    h.leaf("title", describe(p));
    if (p.row.has(Columns.QUALITY_LOW)) {
      Chart.line(
          h, "bar", x, x, y(p.row.get(Columns.QUALITY_LOW)), y(p.row.get(Columns.QUALITY_HIGH)));
    }
    h.empty("path", "d", shape(p.setting, x, y));
    String number = Integer.toString(p.number);
    for (double[] place : PLACES) {
      String anchor = place[0] > 0 ? "" : place[0] < 0 ? "end" : "mid";
      Box box = Box.ofText(number, anchor, x + place[0], y + place[1]);
      // A number that would lie on a mark or another number is left to the tooltip.
      if (taken.stream().noneMatch(box::meets)) {
        taken.add(box);
        Chart.text(h, number, ("ax " + anchor).strip(), x + place[0], y + place[1]);
        break;
      }
    }
    h.close();
  }

  private String describe(Point p) {
    return p.number
        + " "
        + p.setting.name()
        + ": "
        + Columns.text(Columns.QUALITY, p.quality)
        + " % with "
        + Columns.text(Columns.OVERALL_RATE, p.rate)
        + " of the visual tokens";
  }

  /** Of the preset a setting comes from; colour and shape go by it. */
  private static String family(Setting s) {
    String preset = s.preset().toLowerCase(Locale.ROOT);
    return List.of("off", "paper", "reference", "nucleus").contains(preset) ? preset : "other";
  }

  private static String shape(Setting s, double x, double y) {
    String at = "M" + Numbers.svg(x) + " ";
    return switch (family(s)) {
      case "paper" -> at + Numbers.svg(y - 5.5) + "a5.5 5.5 0 1 1 -0.01 0z";
      case "nucleus" -> at + Numbers.svg(y - 7) + "l7 7l-7 7l-7 -7z";
      case "reference" -> at + Numbers.svg(y - 6) + "l7 12h-14z";
      case "off" -> at + Numbers.svg(y - 5) + "h5v10h-10v-10z";
      default -> at + Numbers.svg(y - 6) + "l6 6h-4v6h-4v-6h-4z";
    };
  }

  private void legend(Html h) {
    h.open("ul", "class", "legend");
    List<String> seen = new ArrayList<>();
    for (Point p : points) {
      String family = family(p.setting);
      if (!seen.contains(family)) {
        seen.add(family);
        h.open("li")
            .open("svg", "viewBox", "0 0 16 16", "aria-hidden", "true", "class", "pt " + family);
        h.empty("path", "d", shape(p.setting, 8, 8)).close();
        h.text(family.equals("other") ? "other policies" : family).close();
      }
    }
    h.closeLine();
  }
}
