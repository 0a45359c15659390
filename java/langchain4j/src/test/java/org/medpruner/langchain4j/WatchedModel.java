package org.medpruner.langchain4j;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.Reply;
import org.medpruner.vlm.Request;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.SliceImages;

/** A model that notes what is asked of it, and stops at a stage until it is let go. */
final class WatchedModel implements VisionLanguageModel {
  private final VisionLanguageModel model;
  private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  private volatile @Nullable Gate gate;

  WatchedModel(VisionLanguageModel model) {
    this.model = model;
  }

  /** Where the model stops, so that tests know where it is. */
  static final class Gate {
    private final String stage;
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);

    Gate(String stage) {
      this.stage = stage;
    }

    void await() throws InterruptedException {
      reached.await();
    }

    void open() {
      open.countDown();
    }

    private void pass(String now) {
      if (now.equals(stage)) {
        reached.countDown();
        try {
          open.await();
        } catch (InterruptedException e) {
          throw new AssertionError("nobody interrupts the worker", e);
        }
      }
    }
  }

  Gate stopAt(String stage) {
    Gate fresh = new Gate(stage);
    gate = fresh;
    return fresh;
  }

  void stopNowhere() {
    gate = null;
  }

  /** What was called since the last look: encode, converse, ask, recall, and what was closed. */
  List<String> calls() {
    synchronized (calls) {
      List<String> copy = List.copyOf(calls);
      calls.clear();
      return copy;
    }
  }

  private Progress gated(Progress progress) {
    Gate current = gate;
    return current == null
        ? progress
        : (stage, done, total) -> {
          current.pass(stage);
          progress.update(stage, done, total);
        };
  }

  @Override
  public ModelInfo info() {
    return model.info();
  }

  @Override
  public EncodedVolume encode(SliceImages slices, PruningPolicy policy, Progress progress) {
    calls.add("encode");
    return new Watched(model.encode(slices, policy, gated(progress)));
  }

  private final class Watched implements EncodedVolume {
    private final EncodedVolume inner;

    Watched(EncodedVolume inner) {
      this.inner = inner;
    }

    @Override
    public PruningReport report() {
      return inner.report();
    }

    @Override
    public void close() {
      calls.add("close volume");
      inner.close();
    }
  }

  @Override
  public Conversation converse(EncodedVolume volume, PromptLayout layout) {
    calls.add("converse");
    Conversation inner = model.converse(((Watched) volume).inner, layout);
    return new Conversation() {
      @Override
      public Answer ask(
          String question, GenerationOptions options, AnswerListener listener, Progress progress) {
        calls.add("ask");
        return inner.ask(question, options, listener, gated(progress));
      }

      @Override
      public void recall(String question, String answer, Progress progress) {
        calls.add("recall");
        inner.recall(question, answer, progress);
      }

      @Override
      public void close() {
        calls.add("close conversation");
        inner.close();
      }
    };
  }

  @Override
  public void check(SliceImages slices, PruningPolicy policy) {
    model.check(slices, policy);
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
    calls.add("close model");
    model.close();
  }
}
