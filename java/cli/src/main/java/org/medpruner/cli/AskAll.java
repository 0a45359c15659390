package org.medpruner.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.NonFiniteLogitsException;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.VolumeException;
import org.medpruner.volume.VolumeReading;

/**
 * Asks several volumes the same questions on one loaded model. All are read and looked at before
 * the first is encoded, so that a bad one is named at once. One that fails later does not keep the
 * others from their answers, but no files are written then.
 */
record AskAll(
    Main main,
    Path folder,
    LoadOptions load,
    VolumeOptions volumes,
    PruningPolicy policy,
    List<String> questions,
    GenerationOptions generation,
    Outputs files,
    AskCommand.Speaker speaker,
    int batch) {

  /** A volume's last answer. */
  private record Answered(VolumeInput input, Answer answer) {}

  /** What came of all volumes so far. */
  private record Done(List<Answered> answered, List<String> failed) {}

  void run() {
    Done done = new Done(new ArrayList<>(), new ArrayList<>());
    ModelInfo info;
    try (Main.ProgressScope scope = main.progress()) {
      List<VolumeInput> inputs = new ArrayList<>();
      for (int i = 0; i < volumes.paths.size(); i++) {
        inputs.add(read(i));
      }
      AnswerListener listener = speaker.listener();
      Progress progress = listener == AnswerListener.NONE ? scope.progress() : scope.untilAnswer();
      long start = System.nanoTime();
      try (VisionLanguageModel model = VisionLanguageModel.load(folder, load, progress)) {
        double loadSeconds = (System.nanoTime() - start) / 1e9;
        info = model.info();
        inputs.forEach(i -> check(model, i));
        for (int from = 0; from < inputs.size() && !main.out().checkError(); from += batch) {
          List<VolumeInput> some = inputs.subList(from, Math.min(inputs.size(), from + batch));
          ask(model, some, loadSeconds / inputs.size(), scope, progress, done);
        }
      }
    }
    if (!done.failed.isEmpty()) {
      throw new InputException(
          String.join("; ", done.failed) + (files.none() ? "" : "; no files were written"));
    }
    write(info, done.answered);
  }

  /** What is wrong with a DICOM file is said without its name. */
  private VolumeInput read(int i) {
    try {
      return volumes.read(volumes.paths.get(i), VolumeReading.MODEL_SLICES);
    } catch (VolumeException e) {
      throw new VolumeException(
          "--volume " + (i + 1) + " of " + volumes.paths.size() + ": " + e.getMessage(), e);
    }
  }

  private void check(VisionLanguageModel model, VolumeInput input) {
    try {
      model.check(input.images(), policy);
    } catch (InputException e) {
      throw new InputException("volume " + input.path() + ": " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("volume " + input.path() + ": " + e.getMessage(), e);
    }
  }

  private void ask(
      VisionLanguageModel model,
      List<VolumeInput> inputs,
      double loadSeconds,
      Main.ProgressScope scope,
      Progress progress,
      Done done) {
    List<EncodedVolume> encoded =
        model.encodeAll(inputs.stream().map(VolumeInput::images).toList(), policy, progress);
    try {
      for (int i = 0; i < inputs.size(); i++) {
        VolumeInput input = inputs.get(i);
        try {
          List<Answer> answers = converse(model, encoded.get(i), input, scope, progress);
          Answer last = answers.getLast();
          Answer answer =
              Session.withReport(
                  last,
                  Session.withInput(last.report(), input, Map.of(Progress.LOAD, loadSeconds)));
          done.answered.add(new Answered(input, answer));
          main.err()
              .print(Summary.text(input.path(), answer.report(), answer.unprunedPromptTokens()));
          if (answers.stream().anyMatch(a -> a.ending() == Ending.LENGTH)) {
            main.err().println(AskCommand.CUT);
          }
        } catch (InputException | NonFiniteLogitsException e) {
          done.failed.add("volume " + input.path() + ": " + Failures.message(e));
        }
      }
    } finally {
      encoded.forEach(EncodedVolume::close);
    }
  }

  /** The answers, each printed as soon as it is there. */
  private List<Answer> converse(
      VisionLanguageModel model,
      EncodedVolume encoded,
      VolumeInput input,
      Main.ProgressScope scope,
      Progress progress) {
    scope.closer().close();
    main.out().println("==> " + input.path() + " <==");
    List<Answer> answers = new ArrayList<>();
    try (Conversation conversation = model.converse(encoded, generation.layout())) {
      for (String question : questions) {
        answers.add(conversation.ask(question, generation, speaker.listener(), progress));
        scope.closer().close();
        speaker.whole(answers.getLast());
      }
    }
    return answers;
  }

  private void write(ModelInfo info, List<Answered> answered) {
    String question = questions.getLast();
    List<Supplier<String>> pages = new ArrayList<>();
    for (Answered a : answered) {
      pages.add(
          () -> ReportPage.html(a.input, info, a.answer.report(), question, a.answer.text(), null));
    }
    files.write(
        () ->
            Audit.text(
                answered.stream()
                    .map(
                        a ->
                            Audit.of(
                                    a.input.audited(),
                                    info,
                                    a.answer.report(),
                                    question,
                                    a.answer.text())
                                .withGeneration(generation, a.answer))
                    .toList()),
        pages);
  }
}
