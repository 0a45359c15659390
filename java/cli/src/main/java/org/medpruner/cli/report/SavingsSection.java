package org.medpruner.cli.report;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;

/** The figures a reader looks for first: what was kept, what was saved, how long it took. */
final class SavingsSection {
  /** Tints of the stage bar, used in turn. */
  private static final int TINTS = 8;

  private SavingsSection() {}

  static void write(Html h, Page page) {
    PruningReport r = page.report();
    int kept = page.runs().kept().size();
    boolean model = r.tokensPerSlice() > 0;
    h.open("section", "id", "savings", "aria-labelledby", "savings-h");
    h.leaf("h2", "Kept and saved", "id", "savings-h").raw("\n");
    h.open("div", "class", model ? "tiles" : "tiles few");
    tile(
        h,
        "Slices kept",
        Numbers.count(kept),
        "of " + Numbers.count(page.count()),
        share(kept, page.count()),
        Numbers.percent(share(kept, page.count()))
            + ", stage 1 "
            + (r.policy().sliceAnchoring() ? "on" : "off"));
    longestRun(h, page);
    if (model) {
      modelTiles(h, page);
    } else {
      tile(
          h,
          "Slices dropped",
          Numbers.count(page.count() - kept),
          "",
          null,
          "that no vision encoder would need to see");
    }
    h.closeLine();
    timings(h, r.timings());
    h.closeLine();
  }

  /** What a reader must ask of a pruned volume: how far apart are the slices that were kept? */
  private static void longestRun(Html h, Page page) {
    int longest = page.runs().longest();
    double mm = longest * page.slices().spacingMm();
    tile(
        h,
        "Longest run",
        Numbers.count(longest),
        longest == 1 ? "slice" : "slices",
        null,
        (Double.isFinite(mm) ? Numbers.plain(Math.round(mm * 10) / 10.0) + " mm, " : "")
            + (longest == 1 ? "every slice stands for itself" : "with one slice standing for all"));
  }

  private static void modelTiles(Html h, Page page) {
    PruningReport r = page.report();
    tile(
        h,
        "Visual tokens kept",
        Numbers.count(page.tokensKept()),
        "of " + Numbers.count(page.tokensAll()),
        r.rates().overall(),
        Numbers.percent(r.rates().overall())
            + " overall; "
            + Numbers.percent(r.rates().token())
            + " inside processed slices");
    String none = page.model().question() == null ? "known once a question is asked" : "none";
    long prefill = r.savings().prefillTokens();
    tile(
        h,
        "Prefill tokens saved",
        prefill == 0 ? "\u2013" : Numbers.count(prefill),
        "",
        null,
        prefill == 0 ? none : "against the unpruned prompt, scaffolding included");
    long kv = r.savings().kvBytes();
    tile(
        h,
        "KV cache saved",
        kv == 0 ? "\u2013" : Numbers.bytes(kv),
        "",
        null,
        kv == 0 ? none : Numbers.count(kv) + " bytes not held after prefill");
    int encoder = r.savings().encoderSlices();
    tile(
        h,
        "Encoder runs saved",
        Numbers.count(encoder),
        encoder == 1 ? "slice" : "slices",
        null,
        "that the vision encoder never saw");
  }

  private static double share(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  private static void tile(
      Html h, String label, String figure, String unit, @Nullable Double bar, String note) {
    h.open("div", "class", "tile card");
    h.leaf("h3", label);
    h.open("p", "class", "figure").leaf("b", figure);
    if (!unit.isEmpty()) {
      h.text(" ").leaf("span", unit);
    }
    h.close();
    if (bar != null && Double.isFinite(bar)) {
      String width = Numbers.svg(100 * Math.clamp(bar, 0, 1)) + "%";
      h.open("div", "class", "meter").open("i", "style", "width:" + width).close().close();
    }
    h.leaf("p", note, "class", "muted");
    h.closeLine();
  }

  private static void timings(Html h, Map<String, Double> timings) {
    double total =
        timings.values().stream().filter(SavingsSection::counts).mapToDouble(t -> t).sum();
    h.open("div", "class", "card time");
    h.leaf("h3", "Time");
    h.open("p", "class", "figure");
    h.leaf("b", timings.isEmpty() ? "\u2013" : Numbers.seconds(total));
    h.text(" ").leaf("span", timings.isEmpty() ? "not measured" : "in all stages").close();
    if (total > 0) {
      h.open("div", "class", "stagebar", "aria-hidden", "true");
      int k = 0;
      for (double t : timings.values()) {
        if (counts(t)) {
          String grow = "flex-grow:" + Numbers.svg(1000 * t / total);
          h.open("i", "class", "tint" + k % TINTS, "style", grow).close();
        }
        k++;
      }
      h.close();
    }
    h.open("ul", "class", "stages");
    int k = 0;
    for (Map.Entry<String, Double> t : timings.entrySet()) {
      h.open("li").open("i", "class", "swatch tint" + k++ % TINTS).close();
      h.leaf("span", t.getKey()).text(" ");
      h.leaf("b", Numbers.seconds(t.getValue())).close();
    }
    h.close();
    h.closeLine();
  }

  private static boolean counts(double seconds) {
    return Double.isFinite(seconds) && seconds > 0;
  }
}
