package org.medpruner.eval;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;

/**
 * What to evaluate.
 *
 * @param benchmark where the samples come from
 * @param data its folder
 * @param model Hugging Face checkpoint folder
 * @param load how to load it
 * @param settings to compare, of different names, {@link Setting#OFF} first
 * @param limit most samples; 0 for all
 * @param seed of the choice of samples when there is a limit
 * @param maxImages most slices of a volume shown to the model
 * @param generation how to answer
 * @param out the run's folder; a run that is there is gone on with
 * @param version of this program
 */
public record EvaluationPlan(
    Benchmark benchmark,
    Path data,
    Path model,
    LoadOptions load,
    List<Setting> settings,
    int limit,
    long seed,
    int maxImages,
    GenerationOptions generation,
    Path out,
    String version) {

  /** Checks numbers and settings. */
  public EvaluationPlan {
    settings = List.copyOf(settings);
    require(limit >= 0, "limit", limit, ">= 1, or 0 for all samples");
    require(maxImages >= 1, "maxImages", maxImages, ">= 1");
    if (settings.isEmpty() || !settings.getFirst().equals(Setting.OFF)) {
      throw new IllegalArgumentException("settings do not begin with the baseline, off");
    }
    Set<String> names = new HashSet<>();
    for (Setting s : settings) {
      require(names.add(s.name()), "settings", s.name(), "given once");
    }
  }

  private static void require(boolean ok, String field, Object value, String rule) {
    if (!ok) {
      throw new IllegalArgumentException(field + " = " + value + ", but it must be " + rule);
    }
  }
}
