package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;
import org.medpruner.volume.SliceImages;

/** The questions whose answer changed under pruning, with the slices that were kept. */
final class ChangesSection {
  /** Questions shown, and those of them with pictures: nobody reads more, and pages must open. */
  static final int MOST = 60;

  static final int MOST_WITH_PICTURES = 24;

  /** Sheets of one question: off and the two answers that lost most. */
  private static final int MOST_SHEETS = 3;

  private static final int LONGEST = 2_000;
  private static final int MOST_NAMES = 6;

  private ChangesSection() {}

  static void write(Html h, Report r, Function<Sample, @Nullable SliceImages> pictures) {
    List<Changes> all = r.changes();
    List<Changes> shown = all.subList(0, Math.min(MOST, all.size()));
    List<Changes> pictured = shown.subList(0, Math.min(MOST_WITH_PICTURES, shown.size()));
    VolumeSheets sheets = new VolumeSheets(pictures);
    int volumes = (int) pictured.stream().map(c -> c.sample().volume()).distinct().count();
    pictured.forEach(c -> sheets.of(c.sample(), c.before().slices(), volumes));
    h.open("section", "id", "changes", "aria-labelledby", "changes-h");
    h.leaf("h2", "Changed answers", "id", "changes-h").raw("\n");
    h.leaf("p", lead(r, shown.size()), "class", "lead");
    sheets.definitions(h);
    Map<String, Integer> numbers = r.numbers();
    for (int i = 0; i < shown.size(); i++) {
      Changes c = shown.get(i);
      VolumeSheets.Sheet sheet =
          i < pictured.size() ? sheets.of(c.sample(), c.before().slices(), volumes) : null;
      question(h, c, numbers.getOrDefault(c.sample().id(), 0), sheet);
    }
    h.closeLine();
  }

  private static String lead(Report r, int shown) {
    int all = r.changes().size();
    if (r.settings().size() == 1) {
      return "The run has one setting alone: nothing can change.";
    }
    String counts =
        "Of "
            + Numbers.count(r.run().samples().size())
            + " samples, "
            + Numbers.count(all)
            + " have another answer under some setting than under "
            + r.settings().getFirst().name()
            + ".";
    String order =
        all == 0
            ? ""
            : " Those that lost most come first, each under its line in samples.jsonl. Framed slices were kept, dimmed ones dropped;"
                + " slices run from the first presented, top left.";
    String first = " The first " + shown + " are shown, changes.csv has all.";
    return counts + (shown < all ? first : "") + order;
  }

  /** Under its number: an id may hold the path of the table that the sample stands in. */
  private static void question(Html h, Changes c, int number, VolumeSheets.@Nullable Sheet sheet) {
    Sample s = c.sample();
    h.open("article", "class", "change card", "id", "q-" + number);
    h.open("header").leaf("h3", "Sample " + number + " \u00b7 " + s.category());
    h.leaf("p", cut(s.prompt()), "class", "prompt").close();
    h.open("dl", "class", "answers");
    entry(h, "gold", s.gold(), "", Double.NaN, s.kind());
    entry(h, "off", text(c.before()), "off", c.score(), s.kind());
    for (Changes.Other o : c.answers()) {
      entry(h, names(o.settings()), text(o.result()), "other", o.score(), s.kind());
    }
    h.closeLine();
    if (sheet != null) {
      h.open("div", "class", "strips");
      VolumeSheets.figure(h, sheet, c.before().keptSlices(), caption("off", c.before()));
      for (Changes.Other o :
          c.answers().subList(0, Math.min(MOST_SHEETS - 1, c.answers().size()))) {
        VolumeSheets.figure(
            h, sheet, o.result().keptSlices(), caption(o.settings().getFirst().name(), o.result()));
      }
      h.closeLine();
    }
    h.closeLine();
  }

  private static String caption(String setting, SampleResult r) {
    return setting
        + ": "
        + r.keptSlices().size()
        + " of "
        + r.slices()
        + " slices, "
        + Numbers.percent(r.rates().overall())
        + " of the tokens";
  }

  private static void entry(
      Html h, String label, String answer, String cssClass, double score, Kind kind) {
    h.open("div", "class", cssClass.isEmpty() ? null : cssClass).leaf("dt", label);
    h.open("dd").leaf("span", answer.isBlank() ? "(empty)" : cut(answer), "class", "said");
    if (Double.isFinite(score)) {
      h.text(" ");
      String verdict =
          kind != Kind.CLOSED
              ? Columns.primary(kind).label() + " " + Columns.text(Columns.QUALITY, score)
              : score > 0 ? "\u2713 right" : "\u2717 wrong";
      String good = kind == Kind.CLOSED ? (score > 0 ? " good" : " bad") : "";
      h.leaf("span", verdict, "class", "verdict" + good);
    }
    h.close().close();
  }

  private static String text(SampleResult r) {
    return r.answer() == null ? "" : r.answer();
  }

  private static String cut(String text) {
    return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "\u2026";
  }

  private static String names(List<Setting> settings) {
    List<String> names = new ArrayList<>();
    settings.stream().limit(MOST_NAMES).forEach(s -> names.add(s.name()));
    int more = settings.size() - names.size();
    return names.stream().collect(Collectors.joining(", "))
        + (more > 0 ? " and " + more + " more" : "");
  }
}
