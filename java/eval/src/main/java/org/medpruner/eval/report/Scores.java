package org.medpruner.eval.report;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.SampleScores;
import org.medpruner.eval.metrics.Scorer;

/** Scores of all answers of a run. Equal answers to a sample are scored once. */
final class Scores {
  private record Asked(String sample, String answer) {}

  private final Run run;
  private final Map<Asked, SampleScores> scores = new HashMap<>();
  private final Set<Kind> kinds = EnumSet.noneOf(Kind.class);
  private final String meteorMissing;

  Scores(Run run, Scorer scorer) {
    this.run = run;
    meteorMissing = scorer.meteor().missing();
    for (Sample s : run.samples()) {
      kinds.add(s.kind());
      for (Setting setting : run.settings()) {
        SampleResult r = run.result(setting, s.id());
        if (r != null && r.answer() != null) {
          String answer = r.answer();
          scores.computeIfAbsent(new Asked(s.id(), answer), k -> score(scorer, s, answer));
        }
      }
    }
  }

  private static SampleScores score(Scorer scorer, Sample s, String answer) {
    return switch (s.kind()) {
      case CLOSED -> scorer.closed(answer, s.gold(), s.choices());
      case OPEN -> scorer.open(answer, s.gold());
      case REPORT -> scorer.report(answer, s.gold());
    };
  }

  /** Scores of an answer, or null when there is none. */
  @Nullable SampleScores of(Setting setting, Sample sample) {
    SampleResult r = run.result(setting, sample.id());
    return r == null || r.answer() == null ? null : scores.get(new Asked(sample.id(), r.answer()));
  }

  /**
   * An answer's score by its kind's first metric, as answers are compared by: NaN when there is no
   * answer, 0 of an empty report, which is in no mean.
   */
  double primary(Setting setting, Sample sample) {
    SampleScores of = of(setting, sample);
    return of == null ? Double.NaN : of.strict().getOrDefault(Columns.primary(sample.kind()), 0.0);
  }

  /** Kinds of questions in the run, in the order of {@link Kind}. */
  List<Kind> kinds() {
    return List.copyOf(kinds);
  }

  /** Why there is no METEOR; empty when there is. */
  String meteorMissing() {
    return meteorMissing;
  }
}
