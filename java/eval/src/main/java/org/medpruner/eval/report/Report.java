package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.html.Numbers;
import org.medpruner.eval.metrics.Scorer;
import org.medpruner.eval.phantom.PhantomTruth;
import org.medpruner.eval.stats.Bootstrap;

/**
 * What page, CSV and Markdown are written from.
 *
 * @param run the answers
 * @param scores of them
 * @param figures every number
 * @param changes samples whose answers pruning changed
 */
record Report(Run run, Scores scores, Figures figures, List<Changes> changes) {
  static Report of(Run run, Scorer scorer, @Nullable PhantomTruth truth) {
    Scores scores = new Scores(run, scorer);
    Figures figures = FigureMaker.of(run, scores);
    if (truth != null) {
      LesionFigures.add(run, scores, figures, truth);
    }
    return new Report(run, scores, figures, Changes.of(run, scores));
  }

  List<Setting> settings() {
    return run.settings();
  }

  /**
   * What page and CSV call each sample by its id: its line in {@code samples.jsonl}, from 1. The id
   * may hold the path of a table.
   */
  Map<String, Integer> numbers() {
    Map<String, Integer> numbers = new HashMap<>();
    run.samples().forEach(s -> numbers.put(s.id(), numbers.size() + 1));
    return numbers;
  }

  List<Kind> kinds() {
    return scores.kinds();
  }

  /** "phantom under pruning". */
  String title() {
    return run.header().benchmark() + " under pruning";
  }

  /** Whether several samples share a volume, so that they are not independent. */
  private boolean shared() {
    return run.samples().stream().map(s -> s.volume()).distinct().count() < run.samples().size();
  }

  /** Column of the p value to show: McNemar's where it is valid, else the one by volume. */
  String pColumn(Kind kind) {
    return kind == Kind.CLOSED && !shared() ? Columns.P_MCNEMAR : Columns.P_VOLUMES;
  }

  /** Which test the p value is of. */
  String testOf(Kind kind) {
    return pColumn(kind).equals(Columns.P_MCNEMAR)
        ? "McNemar's exact test against off, two-sided"
        : "Permutation test against off, by volume, two-sided";
  }

  /** What a reader must know before the figures. */
  List<String> warnings() {
    List<String> out = new ArrayList<>();
    if (!run.complete()) {
      out.add(
          "The run is not finished: "
              + Numbers.count(run.done())
              + " of "
              + Numbers.count(run.total())
              + " results. Means are over those that are there.");
    }
    if (run.failures() > 0) {
      out.add(
          Numbers.count(run.failures())
              + " results have no answer. They are in no mean; results.jsonl says why.");
    }
    costs(out);
    emptyReports(out);
    long cut =
        settings().stream().flatMap(s -> run.results(s).stream()).filter(SampleResult::cut).count();
    if (cut > 0) {
      out.add(
          Numbers.count(cut)
              + " answers were cut at their length limit and are scored as they are;"
              + " --max-new-tokens raises it.");
    }
    out.addAll(VolumeNotes.of(run));
    if (!scores.meteorMissing().isEmpty() && kinds().stream().anyMatch(k -> k != Kind.CLOSED)) {
      out.add("No METEOR: " + scores.meteorMissing() + ".");
    }
    return out;
  }

  private void costs(List<String> out) {
    int any = FigureMaker.answered(run).size();
    int every = FigureMaker.answeredEverywhere(run).size();
    if (every < any) {
      out.add(
          every == 0
              ? "No sample was answered under every setting: what settings keep and cost is of"
                  + " different samples, and not to be compared."
              : "What settings keep and cost is compared over the "
                  + Numbers.count(every)
                  + " samples that all of them answered, of "
                  + Numbers.count(any)
                  + ".");
    }
  }

  private void emptyReports(List<String> out) {
    List<String> counts = new ArrayList<>();
    for (Setting s : settings()) {
      long empty =
          run.results(s).stream()
              .filter(r -> run.sample(r.sample()).kind() == Kind.REPORT)
              .filter(r -> r.answer() != null && Scorer.isEmptyReport(r.answer()))
              .count();
      if (empty > 0) {
        counts.add(s.name() + " " + Numbers.count(empty));
      }
    }
    if (!counts.isEmpty()) {
      out.add(
          "Reports that say nothing: "
              + String.join(", ", counts)
              + ". They are in no mean; against off they count as 0.");
    }
  }

  /** How the figures were made. */
  List<String> methods() {
    List<String> out = new ArrayList<>();
    out.add(
        "Intervals: percentile bootstrap over volumes, "
            + Numbers.count(Bootstrap.RESAMPLES)
            + " resamples, seeded.");
    if (settings().size() > 1) {
      for (Kind kind : kinds()) {
        out.add("p of " + Figures.word(kind) + " questions: " + testOf(kind) + ".");
      }
    }
    if (settings().size() > 2) {
      out.add("p values are of single tests; p_holm in results.csv corrects for all settings.");
    }
    if (kinds().contains(Kind.REPORT)) {
      out.add(
          "Strict report scores are means over reports that are not empty; in differences to off an"
              + " empty one scores 0.");
    }
    out.add(
        "Encoder time is that of a volume alone, prefill and decode of a question; a volume's"
            + " encoding serves all its questions. Reading files and loading the model are not"
            + " included.");
    return out;
  }
}
