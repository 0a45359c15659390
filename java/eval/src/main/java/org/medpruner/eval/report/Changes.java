package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.SampleScores;
import org.medpruner.eval.metrics.WordNormalizer;

/**
 * A sample whose answer under some setting is another than under the first.
 *
 * @param sample the question
 * @param before answer under the first setting
 * @param score its score by the kind's first metric; NaN when there is none
 * @param answers other answers, those that lost most first, each with the settings that gave it
 */
record Changes(Sample sample, SampleResult before, double score, List<Other> answers) {
  /**
   * An answer that pruning changed.
   *
   * @param result of the first of the settings
   * @param score as of {@link Changes}
   * @param settings that gave it, in the run's order
   */
  record Other(SampleResult result, double score, List<Setting> settings) {}

  /** Most that any setting lost against the first; negative when all gained. */
  double loss() {
    return answers.stream().mapToDouble(o -> score - o.score()).max().orElse(0);
  }

  /** Whether an answer says something else than under another setting, case and commas apart. */
  static boolean changed(Run run, Setting one, Setting other, Sample sample) {
    SampleResult a = run.result(one, sample.id());
    SampleResult b = run.result(other, sample.id());
    return a != null
        && b != null
        && a.answer() != null
        && b.answer() != null
        && !normal(a.answer()).equals(normal(b.answer()));
  }

  private static String normal(String answer) {
    return WordNormalizer.strict(answer);
  }

  /** All changed samples: those that lost most first, otherwise in the run's order. */
  static List<Changes> of(Run run, Scores scores) {
    Setting off = run.settings().getFirst();
    List<Changes> all = new ArrayList<>();
    for (Sample s : run.samples()) {
      Map<String, List<Setting>> byAnswer = new LinkedHashMap<>();
      for (Setting setting : run.settings()) {
        SampleResult r = run.result(setting, s.id());
        if (changed(run, off, setting, s) && r != null && r.answer() != null) {
          byAnswer.computeIfAbsent(normal(r.answer()), a -> new ArrayList<>()).add(setting);
        }
      }
      SampleResult before = run.result(off, s.id());
      if (before == null || byAnswer.isEmpty()) {
        continue;
      }
      List<Other> others = new ArrayList<>();
      for (List<Setting> settings : byAnswer.values()) {
        SampleResult r = run.result(settings.getFirst(), s.id());
        if (r != null) {
          others.add(new Other(r, primary(scores.of(settings.getFirst(), s), s), settings));
        }
      }
      others.sort(Comparator.comparingDouble(Other::score));
      all.add(new Changes(s, before, primary(scores.of(off, s), s), List.copyOf(others)));
    }
    all.sort(Comparator.comparingDouble(Changes::loss).reversed());
    return all;
  }

  private static double primary(@Nullable SampleScores scores, Sample sample) {
    Double value = scores == null ? null : scores.strict().get(Columns.primary(sample.kind()));
    return value == null ? Double.NaN : value;
  }
}
