package org.medpruner.eval.report;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.RunHeader;
import org.medpruner.eval.Sample;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.HtmlPage;
import org.medpruner.eval.html.Numbers;
import org.medpruner.volume.SliceImages;

/** The HTML page. Names of files and folders are not on it: they may name a patient. */
final class EvaluationPage {
  private EvaluationPage() {}

  static String render(Report r, Function<Sample, @Nullable SliceImages> pictures) {
    return HtmlPage.render(
        r.title() + " \u2013 MedPruner evaluation",
        HtmlPage.text(EvaluationPage.class.getResourceAsStream("evaluation.css"), "evaluation.css"),
        "",
        h -> body(h, r, pictures));
  }

  private static void body(Html h, Report r, Function<Sample, @Nullable SliceImages> pictures) {
    h.leaf("a", "Skip to the settings", "href", "#settings", "class", "skip").raw("\n");
    header(h, r);
    h.open("main").raw("\n");
    SettingsSection.write(h, r);
    RetentionChart.write(h, r);
    SurfaceSection.write(h, r);
    TasksSection.write(h, r);
    LesionsSection.write(h, r);
    ChangesSection.write(h, r, pictures);
    h.closeLine();
    h.open("footer");
    h.leaf(
        "p",
        "Made by MedPruner for the JVM. Research software, not a medical device. The same figures"
            + " are in results.csv and report.md, every answer in results.jsonl.");
    h.closeLine();
  }

  private static void header(Html h, Report r) {
    h.open("header", "id", "top");
    h.open("div", "class", "brand").raw(HtmlPage.MARK);
    h.leaf("span", "MedPruner evaluation", "class", "brand-name");
    h.open("nav", "aria-label", "Sections");
    h.leaf("a", "Settings", "href", "#settings").leaf("a", "Curve", "href", "#curve");
    h.leaf("a", "Tasks", "href", "#tasks").leaf("a", "Metrics", "href", "#metrics");
    h.leaf("a", "Changed answers", "href", "#changes").close().raw(HtmlPage.THEME_BUTTON);
    h.closeLine();
    h.leaf("h1", r.title()).raw("\n");
    h.leaf("p", "Research software, not a medical device.", "class", "disclaimer").raw("\n");
    h.open("dl", "class", "facts card");
    facts(r)
        .forEach(
            (label, value) -> {
              h.open("div").leaf("dt", label);
              h.leaf("dd", value, "class", value.matches("[0-9a-f]{32,}") ? "digest" : null);
              h.close();
            });
    h.closeLine();
    h.closeLine();
  }

  static Map<String, String> facts(Report r) {
    RunHeader run = r.run().header();
    Map<String, String> facts = new LinkedHashMap<>();
    long volumes = r.run().samples().stream().map(Sample::volume).distinct().count();
    facts.put("benchmark", run.benchmark());
    facts.put(
        "samples",
        Numbers.count(run.selection().count())
            + " of "
            + Numbers.count(run.selection().available())
            + ", on "
            + Numbers.count(volumes)
            + " volumes, seed "
            + run.selection().seed());
    facts.put(
        "model",
        run.model().family()
            + ", "
            + Numbers.count(run.model().parameters())
            + " parameters, "
            + run.model().computeType()
            + " on "
            + run.model().device());
    facts.put("slices", "at most " + run.maxImages() + " of a volume");
    facts.put("begun", run.created());
    facts.put("version", run.version());
    facts.put("checkpoint", run.modelSha256());
    facts.put("annotations", run.data().annotationsSha256());
    return facts;
  }
}
