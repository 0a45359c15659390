package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.SampleScores;
import org.medpruner.eval.phantom.Phantom;
import org.medpruner.eval.phantom.PhantomTruth;

/**
 * Accuracy of the phantom benchmark's questions that one lesion decides, by its kind, its organ and
 * how many of its slices stage 1 kept.
 */
final class LesionFigures {
  /** Kind of the rows in {@link Figures}. */
  static final String KIND = "lesion";

  static final String NONE_KEPT = "none of its slices kept";
  static final String SOME_KEPT = "some of its slices kept";
  static final String ALL_KEPT = "all of its slices kept";

  private LesionFigures() {}

  /** Answers that count for a group. */
  private static final class Tally {
    int samples;
    double right;
    int lost;
  }

  /**
   * Whether results tell which of a lesion's slices were kept. They count the slices shown, from 0;
   * the truth counts all 24 of a phantom, which are other numbers when a sample of them was shown.
   */
  static boolean slicesKnown(Run run) {
    return run.header().maxImages() >= Phantom.SLICES;
  }

  /** Adds the rows to {@code figures}; those by slices kept only where they are known. */
  static void add(Run run, Scores scores, Figures figures, PhantomTruth truth) {
    Setting off = run.settings().getFirst();
    List<String> fixed = new ArrayList<>(List.of("typical", "small", "faint"));
    if (slicesKnown(run)) {
      fixed.addAll(List.of(NONE_KEPT, SOME_KEPT, ALL_KEPT));
    }
    for (Setting setting : run.settings()) {
      Map<String, Tally> tallies = new LinkedHashMap<>();
      fixed.forEach(group -> tallies.put(group, new Tally()));
      for (Sample s : run.samples()) {
        PhantomTruth.Target target = truth.target(s.volume(), s.prompt());
        SampleResult result = run.result(setting, s.id());
        SampleScores of = scores.of(setting, s);
        if (target == null || result == null || of == null) {
          continue;
        }
        double value = value(of);
        SampleScores unpruned = scores.of(off, s);
        boolean lost = unpruned != null && value < value(unpruned);
        List<String> groups = new ArrayList<>(List.of(target.kind(), target.organ()));
        if (slicesKnown(run)) {
          groups.add(kept(target, result));
        }
        for (String group : groups) {
          Tally t = tallies.computeIfAbsent(group, g -> new Tally());
          t.samples++;
          t.right += value;
          t.lost += lost ? 1 : 0;
        }
      }
      tallies.forEach(
          (group, t) -> {
            Figures.Row row = figures.row(setting, KIND, group).put(Columns.SAMPLES, t.samples);
            row.put(Columns.QUALITY, t.right / t.samples);
            if (!setting.equals(off)) {
              row.put(Columns.LOST, t.lost);
            }
          });
    }
  }

  private static double value(SampleScores of) {
    return of.strict().getOrDefault(Columns.primary(Sample.Kind.CLOSED), 0.0);
  }

  private static String kept(PhantomTruth.Target target, SampleResult result) {
    List<Integer> left = new ArrayList<>(target.slices());
    left.retainAll(result.keptSlices());
    return left.isEmpty() ? NONE_KEPT : left.size() < target.slices().size() ? SOME_KEPT : ALL_KEPT;
  }
}
