package org.medpruner.vlm.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.Reply;
import org.medpruner.vlm.Request;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.SliceImages;

/** A model without one: it notes what is asked of it, by the recipes of its pictures. */
final class NotedModel implements VisionLanguageModel {
  private static final PruningReport REPORT =
      new PruningReport(
          PruningPolicy.OFF,
          List.of(),
          0,
          new PruningReport.Rates(1, 1, 1),
          new PruningReport.Savings(0, 0, 0),
          Map.of(),
          List.of());

  private final List<String> calls = new ArrayList<>();
  private Ending ending = Ending.STOP_TOKEN;
  private String failing = "";

  /** What was called since the last look. */
  List<String> calls() {
    List<String> copy = List.copyOf(calls);
    calls.clear();
    return copy;
  }

  /** What ends the answers from now on. */
  void endWith(Ending how) {
    ending = how;
  }

  /** The call that fails from now on, noted all the same. */
  void failAt(String call) {
    failing = call;
  }

  private void note(String call) {
    calls.add(call);
    if (call.equals(failing)) {
      throw new IllegalStateException(call);
    }
  }

  private final class Volume implements EncodedVolume {
    private final String name;

    Volume(String name) {
      this.name = name;
    }

    @Override
    public PruningReport report() {
      return REPORT;
    }

    @Override
    public void close() {
      note("close " + name);
    }
  }

  @Override
  public EncodedVolume encode(SliceImages slices, PruningPolicy policy, Progress progress) {
    note("encode " + slices.recipe());
    progress.update("encode", 1, 1);
    return new Volume(slices.recipe());
  }

  @Override
  public Conversation converse(EncodedVolume volume, PromptLayout layout) {
    String name = ((Volume) volume).name;
    note("converse " + name);
    return new Conversation() {
      @Override
      public Answer ask(
          String question, GenerationOptions options, AnswerListener listener, Progress progress) {
        note("ask " + question);
        progress.update("decode", 1, 1);
        return new Answer("no", List.of(1), 1, 1, 0, ending, REPORT);
      }

      @Override
      public void recall(String question, String answer, Progress progress) {
        note("recall " + question + " " + answer);
      }

      @Override
      public void close() {
        note("end " + name);
      }
    };
  }

  @Override
  public ModelInfo info() {
    throw new AssertionError("not used");
  }

  @Override
  public void check(SliceImages slices, PruningPolicy policy) {
    throw new AssertionError("not used");
  }

  @Override
  public List<EncodedVolume> encodeAll(
      List<SliceImages> volumes, PruningPolicy policy, Progress progress) {
    throw new AssertionError("not used");
  }

  @Override
  public List<Reply> askAll(List<Request> requests, Progress progress) {
    throw new AssertionError("not used");
  }

  @Override
  public void close() {
    note("close model");
  }
}
