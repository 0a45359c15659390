package org.medpruner.eval.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.Setting;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;

/**
 * Sweeps over gamma and tau as tables: quality and retention of every pair, of settings that differ
 * in nothing else.
 */
final class SurfaceSection {
  private SurfaceSection() {}

  /** A pair of thresholds. */
  private record Pair(double gamma, double tau) {}

  /** A policy but for them. */
  private record Rest(String preset, PruningPolicy policy) {}

  static void write(Html h, Report r) {
    Map<Rest, Map<Pair, Setting>> sweeps = new LinkedHashMap<>();
    for (Setting s : r.settings()) {
      PruningPolicy p = s.policy();
      if (p.sliceAnchoring() && p.tokenPruning()) {
        sweeps
            .computeIfAbsent(
                new Rest(s.preset(), p.withGamma(0).withTau(1)), k -> new LinkedHashMap<>())
            .putIfAbsent(new Pair(p.gamma(), p.tau()), s);
      }
    }
    sweeps.values().removeIf(m -> distinct(m, true).size() < 2 || distinct(m, false).size() < 2);
    if (sweeps.isEmpty()) {
      return;
    }
    h.open("section", "id", "surface", "aria-labelledby", "surface-h");
    h.leaf("h2", "Gamma and tau", "id", "surface-h").raw("\n");
    h.leaf(
        "p",
        "Score in per cent over the share of visual tokens kept. Darker cells score less.",
        "class",
        "lead");
    sweeps.forEach(
        (rest, sweep) -> r.kinds().forEach(kind -> surface(h, r, name(sweep), sweep, kind)));
    h.closeLine();
  }

  /** "nucleus max-gap=0": a setting's name without the two thresholds. */
  private static String name(Map<Pair, Setting> sweep) {
    return sweep.values().iterator().next().name().replaceAll("\\s(?:gamma|tau)=\\S*", "");
  }

  private static NavigableSet<Double> distinct(Map<Pair, Setting> sweep, boolean gamma) {
    NavigableSet<Double> values = new TreeSet<>();
    sweep.keySet().forEach(p -> values.add(gamma ? p.gamma : p.tau));
    return values;
  }

  private static void surface(Html h, Report r, String name, Map<Pair, Setting> sweep, Kind kind) {
    List<Double> scores =
        sweep.values().stream()
            .map(s -> r.figures().all(s, kind).get(Columns.QUALITY))
            .filter(Double::isFinite)
            .sorted()
            .toList();
    if (scores.isEmpty()) {
      return;
    }
    String caption = Columns.title(kind) + ", preset " + name;
    h.open("div", "class", "scroll card", "tabindex", "0", "role", "region", "aria-label", caption);
    h.open("table", "class", "num surface").leaf("caption", caption);
    h.open("thead").open("tr").leaf("th", "gamma \\ tau", "scope", "col");
    distinct(sweep, false).forEach(t -> h.leaf("th", Numbers.plain(t), "scope", "col"));
    h.close().close().open("tbody");
    for (double gamma : distinct(sweep, true)) {
      h.open("tr").leaf("th", Numbers.plain(gamma), "scope", "row");
      for (double tau : distinct(sweep, false)) {
        Setting s = sweep.get(new Pair(gamma, tau));
        if (s == null) {
          h.leaf("td", "\u2013", "class", "muted");
          continue;
        }
        Figures.Row row = r.figures().all(s, kind);
        h.open("td", "class", "shade" + shade(row.get(Columns.QUALITY), scores));
        Cells.figure(h, row, Columns.QUALITY);
        h.open("small").text(" / ");
        Cells.figure(h, r.figures().costs(s), Columns.OVERALL_RATE);
        h.close().close();
      }
      h.closeLine();
    }
    h.close().close();
    h.closeLine();
  }

  /** 0 for the best score to 4 for the worst. */
  private static int shade(double score, List<Double> ascending) {
    double low = ascending.getFirst();
    double range = ascending.getLast() - low;
    return !Double.isFinite(score) || range == 0
        ? 0
        : Math.clamp(Math.round(4 * (1 - (score - low) / range)), 0, 4);
  }
}
