package org.medpruner.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.PeakMemory;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.volume.VolumeReading;
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
      "The answer alone goes to standard output, figures to standard error. Several volumes are"
          + " encoded together and each is asked every question; its answers stand below a line"
          + " \"==> FILE <==\"."
    })
final class AskCommand implements Callable<Integer> {
  /** Row of the table. */
  static final String CUT = "note            the answer was cut at its greatest length";

  @ParentCommand
  @SuppressWarnings("NullAway.Init") // set by picocli before the command runs
  private Main main;

  @Mixin private final CheckpointOption checkpoint = new CheckpointOption();

  @Option(
      names = "--question",
      required = true,
      paramLabel = "TEXT",
      description =
          "What to ask. Given several times, each is asked with all before it in the model's"
              + " memory; --json and --report take one question only.")
  private List<String> questions = List.of();

  @Option(
      names = "--stream",
      description = "Print the answer while it is generated, instead of progress.")
  private boolean stream;

  @Option(
      names = "--batch",
      defaultValue = "8",
      paramLabel = "N",
      description =
          "Of several volumes, encode this many together; more take more memory. Default: 8.")
  private int batch;

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
    List<String> texts = questions.stream().map(AnswerOptions::question).toList();
    Failures.requireArgument(batch >= 1, "--batch", batch, ">= 1");
    Outputs files = output.outputs(volume.paths);
    if (texts.size() > 1 && !files.none()) {
      throw new IllegalArgumentException(
          "--json and --report record one question, but --question is given "
              + texts.size()
              + " times; ask each on its own");
    }
    LoadOptions load = device.load();
    Path folder = checkpoint.folder();
    // One answer is printed when the files are there too; several, or streamed ones, as they come.
    boolean atOnce = stream || texts.size() > 1;
    if (volume.paths.size() > 1) {
      Printer printer = new Printer(main.out(), stream);
      new AskAll(main, folder, load, volume, p, texts, generation, files, printer, batch).run();
      return 0;
    }
    Speaker speaker = atOnce ? new Printer(main.out(), stream) : Speaker.SILENT;
    Answered a = answer(main, folder, load, volume, p, texts, generation, files, null, speaker);
    if (!atOnce) {
      main.out().println(a.answer.text());
    }
    return 0;
  }

  /** How answers are handed out while there are more to come. */
  interface Speaker {
    /** Takes the pieces of an answer. */
    AnswerListener listener();

    /** An answer is whole. */
    void whole(Answer answer);

    /** Says nothing. */
    Speaker SILENT =
        new Speaker() {
          @Override
          public AnswerListener listener() {
            return AnswerListener.NONE;
          }

          @Override
          public void whole(Answer answer) {}
        };
  }

  /** Prints answers, one below the other. */
  private record Printer(PrintStream out, boolean stream) implements Speaker {
    @Override
    public AnswerListener listener() {
      return stream ? this::piece : AnswerListener.NONE;
    }

    private boolean piece(String text) {
      out.print(text);
      // Nobody reads on: what is generated further would be for nothing.
      return !out.checkError();
    }

    @Override
    public void whole(Answer answer) {
      out.println(stream ? "" : answer.text());
      if (out.checkError()) {
        throw new InputException(Main.LOST);
      }
    }
  }

  /** An answer with what it was asked of. */
  record Answered(VolumeInput input, ModelInfo model, Answer answer) {}

  /** Reads, asks, writes the files and prints the table; the last answer is given back. */
  static Answered answer(
      Main main,
      Path folder,
      LoadOptions load,
      VolumeOptions volume,
      PruningPolicy policy,
      List<String> questions,
      GenerationOptions generation,
      Outputs files,
      @Nullable String truth,
      Speaker speaker) {
    List<Answer> answers;
    VolumeInput input;
    ModelInfo info;
    try (Main.ProgressScope scope = main.progress()) {
      input = volume.read(volume.one(), VolumeReading.MODEL_SLICES);
      AnswerListener listener = speaker.listener();
      Progress progress = listener == AnswerListener.NONE ? scope.progress() : scope.untilAnswer();
      try (Session session = Session.load(folder, load, input, progress)) {
        info = session.info();
        answers = session.converse(policy, questions, generation, listener, speaker::whole);
      }
    }
    Answer last = answers.getLast();
    String question = questions.getLast();
    files.write(
        () ->
            Audit.of(input.audited(), info, last.report(), question, last.text())
                .withGeneration(generation, last)
                .withTruth(truth)
                .text(),
        () -> ReportPage.html(input, info, last.report(), question, last.text(), truth));
    main.err().print(Summary.text(last.report(), last.unprunedPromptTokens(), PeakMemory.bytes()));
    if (answers.stream().anyMatch(a -> a.ending() == Ending.LENGTH)) {
      main.err().println(CUT);
    }
    return new Answered(input, info, last);
  }
}
