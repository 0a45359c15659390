package org.medpruner.eval;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.checkpoint.GenerationConfig;

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
 * @param generation how to answer; where it leaves the length to the checkpoint and that has none,
 *     reports may have 1,024 tokens
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
  /**
   * Most tokens of a report where neither the options nor the checkpoint say: the 300 of a short
   * answer cut findings and impression, and what is cut off counts as not said.
   */
  static final int REPORT_TOKENS = 1024;

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

  /**
   * How to write reports, which is as {@link #generation} says but for the length. Reads the
   * checkpoint's folder: to be asked once a run, since a file that changes in its middle would give
   * reports of two lengths.
   */
  GenerationOptions reportGeneration() {
    boolean said =
        generation.maxNewTokens() > 0 || GenerationConfig.read(model, List.of()).maxNewTokens() > 0;
    return said
        ? generation
        : new GenerationOptions(
            REPORT_TOKENS, generation.layout(), generation.sampling(), generation.stopStrings());
  }

  private static void require(boolean ok, String field, Object value, String rule) {
    if (!ok) {
      throw new IllegalArgumentException(field + " = " + value + ", but it must be " + rule);
    }
  }
}
