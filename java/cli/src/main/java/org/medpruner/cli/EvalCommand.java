package org.medpruner.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.eval.Evaluation;
import org.medpruner.eval.EvaluationPlan;
import org.medpruner.eval.Run;
import org.medpruner.eval.Setting;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.eval.phantom.PhantomBenchmark;
import org.medpruner.eval.report.EvaluationReport;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.volume.VolumeReading;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code medpruner eval}. */
@Command(
    name = "eval",
    sortOptions = false,
    customSynopsis = "medpruner eval --benchmark NAME [--data DIR] [--model DIR] [options]",
    description = {
      "Asks the questions of a benchmark under several presets and compares answers and costs.",
      "Every answer is kept in DIR/results.jsonl as soon as it is there: the same command goes on"
          + " with a run that was ended. Exit code 3: finished, but some samples failed."
    })
final class EvalCommand implements Callable<Integer> {
  /** Finished, but some samples have no answer. */
  static final int INCOMPLETE = 3;

  @ParentCommand
  @SuppressWarnings("NullAway.Init") // set by picocli before the command runs
  private Main main;

  @Option(
      names = "--benchmark",
      required = true,
      paramLabel = "NAME",
      description =
          "amos, m3d, 3drad, or phantom: generated volumes that come with nothing to download.")
  private String benchmark = "";

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The benchmark's folder (docs/evaluation.md). phantom is generated without.")
  private @Nullable Path data;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Hugging Face checkpoint folder. Default for phantom: the demo model.")
  private @Nullable Path model;

  @Option(
      names = "--preset",
      paramLabel = "NAME",
      description =
          "paper (default), reference, nucleus; may be given several times. off, the baseline, is"
              + " always run.")
  private List<String> presets = new ArrayList<>();

  @Option(
      names = "--sweep",
      paramLabel = "NAME=X,X,...",
      description =
          "Also runs every preset with these values: gamma, tau, contextual-ratio, temperature,"
              + " max-gap, patch-gamma and all other pruning options of ask. Given several times,"
              + " every combination.")
  private List<String> sweeps = new ArrayList<>();

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Most samples, of volumes drawn at random. Default: all (phantom: 500).")
  private @Nullable Integer limit;

  @Option(
      names = "--seed",
      defaultValue = "42",
      paramLabel = "N",
      description = "Seed of that choice, and of generated phantoms. Default: 42.")
  private long seed;

  @Option(
      names = "--max-images",
      defaultValue = "" + VolumeReading.MODEL_SLICES,
      paramLabel = "N",
      description =
          "Most slices of a volume shown to the model. Default: "
              + VolumeReading.MODEL_SLICES
              + ".")
  private int maxImages;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder of the run: results and report. Default: out/eval-NAME.")
  private @Nullable Path out;

  @Mixin private final ModelOptions device = new ModelOptions();
  @Mixin private final PromptOptions prompt = new PromptOptions();

  @Override
  public Integer call() {
    Benchmark b = Benchmark.of(benchmark);
    List<Setting> settings =
        Sweeps.settings(presets.isEmpty() ? List.of("paper") : presets, sweeps);
    Integer most = limit;
    Failures.requireArgument(most == null || most >= 1, "--limit", most, ">= 1");
    Failures.requireArgument(maxImages >= 1, "--max-images", maxImages, ">= 1");
    GenerationOptions generation = prompt.greedy();
    LoadOptions load = device.load();
    Path checkpoint = Session.checkModelFolder(model(b));
    Path folder = out == null ? Path.of("out", "eval-" + b.word()) : out;
    EvaluationPlan plan =
        new EvaluationPlan(
            b,
            data(b, folder),
            checkpoint,
            load,
            settings,
            most == null ? 0 : most,
            seed,
            maxImages,
            generation,
            folder,
            Versions.medpruner());
    Run run;
    try (Main.ProgressScope loading = main.progress();
        EvaluationProgress progress = main.evaluationProgress()) {
      run = Evaluation.run(plan, loading.progress(), progress);
    }
    EvaluationReport report = EvaluationReport.of(run, plan.data());
    main.out().print(report.table());
    main.err().println("written         " + report.write(folder));
    if (run.failures() > 0) {
      main.err()
          .println(
              "note            "
                  + run.failures()
                  + " of "
                  + run.total()
                  + " answers are missing; \"error\" in results.jsonl says why; once that is repaired,"
                  + " start a new --out");
    }
    return run.complete() && run.failures() == 0 ? 0 : INCOMPLETE;
  }

  private Path model(Benchmark b) {
    if (model != null) {
      return model;
    }
    if (b != Benchmark.PHANTOM) {
      throw new InputException("--model is missing; name a Hugging Face checkpoint folder");
    }
    return DemoCommand.model();
  }

  /** The benchmark's folder; phantoms are generated where there is none. */
  private Path data(Benchmark b, Path folder) {
    if (data != null) {
      return data;
    }
    if (b != Benchmark.PHANTOM) {
      throw new InputException("--data is missing; name the folder of benchmark " + b.word());
    }
    Path phantoms = folder.resolve("data");
    int questions = limit == null ? PhantomBenchmark.DEFAULT_QUESTIONS : limit;
    PhantomBenchmark.Arguments wanted = new PhantomBenchmark.Arguments(questions, seed);
    PhantomBenchmark.written(phantoms)
        .filter(there -> !there.equals(wanted))
        .ifPresent(
            there -> {
              throw new InputException(
                  folder
                      + ": is of "
                      + there
                      + " (--limit, --seed), not of "
                      + wanted
                      + "; name another --out");
            });
    try (Main.ProgressScope scope = main.progress()) {
      PhantomBenchmark.write(
          phantoms,
          questions,
          seed,
          (done, total) -> scope.progress().update("phantoms", done, total));
    }
    return phantoms;
  }
}
