package org.medpruner.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.PeakMemory;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.volume.VolumeReading;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code medpruner compare}. */
@Command(
    name = "compare",
    sortOptions = false,
    customSynopsis = "medpruner compare --model DIR --volume FILE --question TEXT [options]",
    description = {
      "Asks one question with and without pruning, on one loaded model.",
      "Prints both answers and the ratios of time, tokens and memory (unpruned over pruned). --json"
          + " and --report describe the pruned run."
    })
final class CompareCommand implements Callable<Integer> {
  @ParentCommand
  @SuppressWarnings("NullAway.Init") // set by picocli before the command runs
  private Main main;

  @Mixin private final CheckpointOption checkpoint = new CheckpointOption();

  @Option(names = "--question", required = true, paramLabel = "TEXT", description = "What to ask.")
  private @Nullable String question;

  @Mixin private final VolumeOptions volume = new VolumeOptions();
  @Mixin private final PolicyOptions policy = new PolicyOptions();
  @Mixin private final ModelOptions device = new ModelOptions();
  @Mixin private final AnswerOptions answering = new AnswerOptions();
  @Mixin private final OutputOptions output = new OutputOptions();

  @Override
  public Integer call() {
    PruningPolicy p = policy.policy();
    volume.check();
    Path file = volume.one();
    GenerationOptions generation = answering.generation();
    String text = AnswerOptions.question(question);
    Outputs files = output.outputs(volume.paths);
    LoadOptions load = device.load();
    Path folder = checkpoint.folder();
    VolumeInput input;
    ModelInfo info;
    Answer pruned;
    Answer off;
    long prunedPeak;
    try (Main.ProgressScope scope = main.progress()) {
      input = volume.read(file, VolumeReading.MODEL_SLICES);
      try (Session session = Session.load(folder, load, input, scope.progress())) {
        info = session.info();
        session.warmUp(p, text, generation);
        // The pruned run goes first, so that the process's peak so far is its own.
        pruned = session.ask(p, text, generation);
        prunedPeak = PeakMemory.bytes();
        off = session.ask(PruningPolicy.OFF, text, generation);
      }
    }
    Comparison.Run prunedRun = run(pruned, prunedPeak);
    Comparison.Run offRun = run(off, PeakMemory.bytes());
    files.write(
        () ->
            Audit.of(input.audited(), info, pruned.report(), text, pruned.text())
                .withComparison(Comparison.audited(off.text(), offRun, prunedRun))
                .text(),
        () -> ReportPage.html(input, info, pruned.report(), text, pruned.text(), null));
    main.out().print(Comparison.text(offRun, prunedRun));
    main.err().print(Summary.text(pruned.report(), pruned.unprunedPromptTokens(), prunedPeak));
    // Two answers that were cut may look alike.
    for (Answer a : List.of(off, pruned)) {
      if (a.ending() == Ending.LENGTH) {
        main.err().println(AskCommand.CUT + ": " + a.report().policy().name());
      }
    }
    return 0;
  }

  private static Comparison.Run run(Answer a, long peak) {
    return new Comparison.Run(
        a.report().policy().name(),
        a.text(),
        Comparison.seconds(a.report().timings()),
        a.report().slices().stream().mapToLong(SliceReport::tokens).sum(),
        a.promptTokens(),
        a.kvBytes(),
        peak);
  }
}
