package org.medpruner.cli;

import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code medpruner ask}. */
@Command(
    name = "ask",
    sortOptions = false,
    customSynopsis = "medpruner ask --model DIR --volume FILE --question TEXT [options]",
    description = {
      "Answers a question about a volume with a pruned vision-language model.",
      "The answer alone goes to standard output, figures to standard error."
    })
final class AskCommand implements Callable<Integer> {
  @ParentCommand
  @SuppressWarnings("NullAway.Init") // set by picocli before the command runs
  private Main main;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Hugging Face checkpoint folder.")
  private @Nullable Path model;

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
    GenerationOptions generation = answering.generation();
    String text = AnswerOptions.question(question);
    Outputs files = output.outputs();
    LoadOptions load = device.load();
    Path folder = Session.checkModelFolder(Objects.requireNonNull(model, "--model"));
    Answered a = answer(main, folder, load, volume, p, text, generation, files, null);
    main.out().println(a.answer.text());
    return 0;
  }

  /** An answer with what it was asked of. */
  record Answered(VolumeInput input, ModelInfo model, Answer answer) {}

  /** Reads, asks, writes the files and prints the table; the answer itself is left to print. */
  static Answered answer(
      Main main,
      Path folder,
      LoadOptions load,
      VolumeOptions volume,
      PruningPolicy policy,
      String question,
      GenerationOptions generation,
      Outputs files,
      @Nullable String truth) {
    Answered a;
    try (Main.ProgressScope scope = main.progress()) {
      VolumeInput input = volume.read(VolumeOptions.MODEL_SLICES);
      try (Session session = Session.load(folder, load, input, scope.progress())) {
        Answer answer = session.ask(policy, question, generation);
        a = new Answered(input, session.info(), answer);
      }
    }
    files.write(
        () ->
            Audit.of(a.input, a.model, a.answer.report(), question, a.answer.text())
                .withTruth(truth)
                .text(),
        () -> Page.html(a.input, a.model, a.answer.report(), question, a.answer.text(), truth));
    main.err()
        .print(
            Summary.text(a.answer.report(), a.answer.unprunedPromptTokens(), PeakMemory.bytes()));
    if (!a.answer.stopped()) {
      main.err().println("note            the answer was cut at its greatest length");
    }
    return a;
  }
}
