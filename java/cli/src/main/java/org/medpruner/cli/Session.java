package org.medpruner.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.eval.WarmUp;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;

/** One loaded model and one volume; any number of policies and questions. */
final class Session implements AutoCloseable {
  private final VisionLanguageModel model;
  private final VolumeInput input;
  private final Progress progress;
  private final double loadSeconds;

  private Session(
      VisionLanguageModel model, VolumeInput input, Progress progress, double loadSeconds) {
    this.model = model;
    this.input = input;
    this.progress = progress;
    this.loadSeconds = loadSeconds;
  }

  /** Fails before a volume is read for nothing. */
  static Path checkModelFolder(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InputException(
          "model "
              + folder
              + (Files.exists(folder) ? " is not a folder" : ": no such folder")
              + "; give a Hugging Face checkpoint folder");
    }
    return folder;
  }

  static Session load(Path folder, LoadOptions options, VolumeInput input, Progress progress) {
    long start = System.nanoTime();
    VisionLanguageModel model = VisionLanguageModel.load(folder, options, progress);
    return new Session(model, input, progress, (System.nanoTime() - start) / 1e9);
  }

  ModelInfo info() {
    return model.info();
  }

  VolumeInput input() {
    return input;
  }

  /** Answers; the report has this session's own stages too. */
  Answer ask(PruningPolicy policy, String question, GenerationOptions options) {
    return converse(policy, List.of(question), options, AnswerListener.NONE, a -> {}).getFirst();
  }

  /**
   * Answers questions one after the other, each with those before it in the model's memory.
   *
   * @param answered is given each answer as soon as it is there
   */
  List<Answer> converse(
      PruningPolicy policy,
      List<String> questions,
      GenerationOptions options,
      AnswerListener listener,
      Consumer<Answer> answered) {
    List<Answer> answers = new ArrayList<>();
    try (EncodedVolume encoded = model.encode(input.images(), policy, progress);
        Conversation conversation = model.converse(encoded, options.layout())) {
      for (String question : questions) {
        Answer a = conversation.ask(question, options, listener, progress);
        answers.add(withReport(a, complete(a.report())));
        answered.accept(answers.getLast());
      }
    }
    return answers;
  }

  /** Charges what is slow only once to none of the runs that follow. */
  void warmUp(PruningPolicy policy, String question, GenerationOptions options) {
    WarmUp.run(model, input.images(), policy, question, options.layout());
  }

  private PruningReport complete(PruningReport report) {
    return withInput(report, input, Map.of(Progress.LOAD, loadSeconds));
  }

  /** The answer with another report. */
  static Answer withReport(Answer a, PruningReport report) {
    return new Answer(
        a.text(),
        a.tokenIds(),
        a.promptTokens(),
        a.unprunedPromptTokens(),
        a.kvBytes(),
        a.ending(),
        report);
  }

  /** The report with the stages before it in front and the warnings about the input. */
  static PruningReport withInput(
      PruningReport report, VolumeInput input, Map<String, Double> firstStages) {
    Map<String, Double> timings = new LinkedHashMap<>();
    timings.put(Progress.READ, input.seconds());
    timings.putAll(firstStages);
    return report.withInput(timings, input.warnings());
  }

  @Override
  public void close() {
    model.close();
  }
}
