package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.WordNormalizer;

/**
 * A sample whose answer under some setting is another than under the first.
 *
 * @param sample the question
 * @param before answer under the first setting
 * @param score its score by the kind's first metric; 0 of an empty report
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

  /** What answers are told apart by: what they say, and what they score. */
  private record Said(String words, double score) {}

  /**
   * Whether an answer says something else than under another setting, case and commas apart, or
   * scores something else.
   */
  static boolean changed(Run run, Scores scores, Setting one, Setting other, Sample sample) {
    Said a = said(run, scores, one, sample);
    Said b = said(run, scores, other, sample);
    return a != null && b != null && !a.equals(b);
  }

  /** Null without an answer. */
  private static @Nullable Said said(Run run, Scores scores, Setting setting, Sample sample) {
    SampleResult r = run.result(setting, sample.id());
    return r == null || r.answer() == null
        ? null
        : new Said(words(r.answer(), sample.kind()), scores.primary(setting, sample));
  }

  /** Of a closed question every letter counts: the choice "A" is no article. */
  private static String words(String answer, Kind kind) {
    return kind == Kind.CLOSED
        ? answer.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{Nd}]+", " ").strip()
        : WordNormalizer.strict(answer);
  }

  /** All changed samples: those that lost most first, otherwise in the run's order. */
  static List<Changes> of(Run run, Scores scores) {
    Setting off = run.settings().getFirst();
    List<Changes> all = new ArrayList<>();
    for (Sample s : run.samples()) {
      Map<Said, List<Setting>> byAnswer = new LinkedHashMap<>();
      for (Setting setting : run.settings()) {
        Said said = said(run, scores, setting, s);
        if (said != null && changed(run, scores, off, setting, s)) {
          byAnswer.computeIfAbsent(said, a -> new ArrayList<>()).add(setting);
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
          others.add(new Other(r, scores.primary(settings.getFirst(), s), settings));
        }
      }
      others.sort(Comparator.comparingDouble(Other::score));
      all.add(new Changes(s, before, scores.primary(off, s), List.copyOf(others)));
    }
    all.sort(Comparator.comparingDouble(Changes::loss).reversed());
    return all;
  }
}
