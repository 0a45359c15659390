package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.Metric;
import org.medpruner.eval.metrics.SampleScores;
import org.medpruner.eval.metrics.ScoreTable;
import org.medpruner.eval.metrics.Scorer;
import org.medpruner.eval.metrics.Variant;
import org.medpruner.eval.stats.Bootstrap;
import org.medpruner.eval.stats.Clusters;
import org.medpruner.eval.stats.Interval;
import org.medpruner.eval.stats.PairedTests;

/** Computes the figures of a run. */
final class FigureMaker {
  /** Of resampling and permutations: a run's report is the same every time. */
  private static final long SEED = 42;

  private final Run run;
  private final Scores scores;
  private final Set<String> comparable;
  private final Figures figures = new Figures();

  private FigureMaker(Run run, Scores scores) {
    this.run = run;
    this.scores = scores;
    Set<String> everywhere = answeredEverywhere(run);
    comparable = everywhere.isEmpty() ? answered(run) : everywhere;
  }

  /** Samples that any setting answered. */
  static Set<String> answered(Run run) {
    Set<String> answered = new HashSet<>();
    run.settings().forEach(s -> answered.addAll(answered(run, s)));
    return answered;
  }

  /**
   * Samples that every setting answered, those aside that answered none. What settings cost is
   * compared over these alone: one that fails on large volumes would look cheap.
   */
  static Set<String> answeredEverywhere(Run run) {
    Set<String> common = answered(run);
    for (Setting s : run.settings()) {
      Set<String> its = answered(run, s);
      if (!its.isEmpty()) {
        common.retainAll(its);
      }
    }
    return common;
  }

  private static Set<String> answered(Run run, Setting setting) {
    return run.results(setting).stream()
        .filter(r -> !r.failed())
        .map(SampleResult::sample)
        .collect(Collectors.toSet());
  }

  static Figures of(Run run, Scores scores) {
    FigureMaker maker = new FigureMaker(run, scores);
    for (Setting setting : run.settings()) {
      maker.costs(setting);
      for (Kind kind : scores.kinds()) {
        maker.quality(setting, kind);
      }
    }
    scores.kinds().forEach(maker::holm);
    return maker.figures;
  }

  private void costs(Setting setting) {
    Collection<SampleResult> results = run.results(setting);
    List<SampleResult> answered = results.stream().filter(r -> !r.failed()).toList();
    List<SampleResult> compared =
        answered.stream().filter(r -> comparable.contains(r.sample())).toList();
    Figures.Row row =
        figures
            .costs(setting)
            .put(Columns.SAMPLES, run.samples().size())
            .put(Columns.ANSWERED, answered.size())
            .put(Columns.FAILED, results.size() - answered.size())
            .put(Columns.UNREACHED, run.samples().size() - results.size())
            .put(Columns.EMPTY, (int) answered.stream().filter(this::isEmpty).count())
            .put(Columns.CUT, (int) answered.stream().filter(SampleResult::cut).count())
            .put(Columns.VOLUMES, byVolume(answered).size());
    Collection<SampleResult> of = byVolume(compared);
    row.put(Columns.SLICE_RATE, mean(of, r -> r.rates().slice()))
        .put(Columns.TOKEN_RATE, mean(of, r -> r.rates().token()))
        .put(Columns.OVERALL_RATE, mean(of, r -> r.rates().overall()))
        .put(Columns.ANCHOR, median(of, r -> r.seconds().anchor()))
        .put(Columns.ENCODE, median(of, r -> r.seconds().encode()))
        .put(Columns.PRUNE, median(of, r -> r.seconds().prune()))
        .put(Columns.PREFILL, median(compared, r -> r.seconds().prefill()))
        .put(Columns.DECODE, median(compared, r -> r.seconds().decode()))
        .put(Columns.KV, mean(compared, SampleResult::kvBytes))
        .put(Columns.PROMPT_TOKENS, mean(compared, SampleResult::promptTokens));
    compared.stream()
        .mapToDouble(SampleResult::peakMemoryBytes)
        .filter(bytes -> bytes >= 0)
        .max()
        .ifPresent(bytes -> row.put(Columns.PEAK, bytes));
  }

  /** An answer about each volume: it is encoded once, however many questions are asked about it. */
  private Collection<SampleResult> byVolume(List<SampleResult> answers) {
    Map<String, SampleResult> volumes = new LinkedHashMap<>();
    answers.forEach(r -> volumes.putIfAbsent(run.sample(r.sample()).volume(), r));
    return volumes.values();
  }

  /** Whether an answer says nothing; of a report headings say nothing. */
  private boolean isEmpty(SampleResult r) {
    String answer = r.answer();
    return answer == null
        || (run.sample(r.sample()).kind() == Kind.REPORT
            ? Scorer.isEmptyReport(answer)
            : answer.isBlank());
  }

  private static double mean(Collection<SampleResult> of, ToDoubleFunction<SampleResult> value) {
    return of.stream().mapToDouble(value).average().orElse(Double.NaN);
  }

  private static double median(Collection<SampleResult> of, ToDoubleFunction<SampleResult> value) {
    double[] sorted = of.stream().mapToDouble(value).sorted().toArray();
    int n = sorted.length;
    return n == 0 ? Double.NaN : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  }

  private void quality(Setting setting, Kind kind) {
    ScoreTable table = new ScoreTable();
    Map<String, Double> primary = new LinkedHashMap<>();
    int samples = 0;
    Map<String, Integer> inCategory = new HashMap<>();
    for (Sample s : run.samples()) {
      if (s.kind() != kind) {
        continue;
      }
      samples++;
      inCategory.merge(s.category(), 1, Integer::sum);
      SampleScores of = scores.of(setting, s);
      if (of != null) {
        table.add(s.category(), of);
        Double value = of.strict().get(Columns.primary(kind));
        if (value != null) {
          primary.put(s.id(), value);
        }
      }
    }
    Figures.Row all = figures.all(setting, kind);
    all.put(Columns.SAMPLES, samples).put(Columns.ANSWERED, table.size());
    Clusters clusters = clusters(primary);
    all.put(Columns.QUALITY, clusters.mean());
    put(all, Bootstrap.mean(clusters, SEED), Columns.QUALITY_LOW, Columns.QUALITY_HIGH);
    if (!setting.equals(run.settings().getFirst())) {
      against(all, setting, kind);
    }
    for (Variant variant : Variant.values()) {
      metrics(all, variant, table.sampleMean(variant));
      for (String category : table.categories()) {
        Figures.Row row = figures.row(setting, Figures.word(kind), category);
        row.put(Columns.SAMPLES, inCategory.getOrDefault(category, 0))
            .put(Columns.ANSWERED, table.size(category));
        metrics(row, variant, table.categoryMean(category, variant));
      }
      metrics(
          figures.row(setting, Figures.word(kind), Figures.CATEGORY_MEAN),
          variant,
          table.overCategories(variant));
    }
  }

  private static void metrics(Figures.Row row, Variant variant, Map<Metric, Double> means) {
    means.forEach((metric, value) -> row.put(Columns.of(variant, metric), value));
  }

  /**
   * Compares with the first setting, over the samples that both answered. A report that pruning
   * emptied is lost, though it is in no mean.
   */
  private void against(Figures.Row row, Setting setting, Kind kind) {
    Setting off = run.settings().getFirst();
    Map<String, Double> differences = new LinkedHashMap<>();
    int lost = 0;
    int gained = 0;
    int changed = 0;
    for (Sample s : run.samples()) {
      double difference = scores.primary(setting, s) - scores.primary(off, s);
      if (s.kind() == kind && Double.isFinite(difference)) {
        differences.put(s.id(), difference);
        lost += difference < 0 ? 1 : 0;
        gained += difference > 0 ? 1 : 0;
        changed += Changes.changed(run, scores, off, setting, s) ? 1 : 0;
      }
    }
    Clusters clusters = clusters(differences);
    row.put(Columns.PAIRED, differences.size());
    if (differences.isEmpty()) {
      return;
    }
    row.put(Columns.CHANGED, changed)
        .put(Columns.LOST, lost)
        .put(Columns.GAINED, gained)
        .put(Columns.DIFFERENCE, clusters.mean());
    put(row, Bootstrap.mean(clusters, SEED), Columns.DIFFERENCE_LOW, Columns.DIFFERENCE_HIGH);
    if (kind == Kind.CLOSED) {
      row.put(Columns.P_MCNEMAR, PairedTests.mcNemar(lost, gained));
    }
    row.put(Columns.P_VOLUMES, PairedTests.permutation(clusters, SEED));
  }

  private Clusters clusters(Map<String, Double> bySample) {
    return Clusters.of(
        new ArrayList<>(bySample.values()),
        bySample.keySet().stream().map(id -> run.sample(id).volume()).toList());
  }

  private static void put(Figures.Row row, @Nullable Interval i, String low, String high) {
    if (i != null) {
      row.put(low, i.low()).put(high, i.high());
    }
  }

  /** Several settings are tried against the first: their p values, corrected for that. */
  private void holm(Kind kind) {
    List<Figures.Row> tested =
        run.settings().stream()
            .map(s -> figures.all(s, kind))
            .filter(r -> r.has(Columns.P_VOLUMES))
            .toList();
    List<Double> adjusted =
        PairedTests.holm(tested.stream().map(r -> r.get(Columns.P_VOLUMES)).toList());
    for (int i = 0; i < tested.size(); i++) {
      tested.get(i).put(Columns.P_HOLM, Objects.requireNonNull(adjusted.get(i)));
    }
  }
}
