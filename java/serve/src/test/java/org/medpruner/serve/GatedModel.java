package org.medpruner.serve;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
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

/** A model that stops at a stage until it is let go, so that tests know where it is. */
final class GatedModel implements VisionLanguageModel {
  /** Where to stop. */
  static final class Gate {
    private final String stage;
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);
    private final AtomicInteger updates = new AtomicInteger();

    Gate(String stage) {
      this.stage = stage;
    }

    /** Waits until the model is there. */
    void await() throws InterruptedException {
      reached.await();
    }

    void open() {
      open.countDown();
    }

    /** How often the model told of the stage. */
    int updates() {
      return updates.get();
    }

    private void pass(String now) {
      if (!now.equals(stage)) {
        return;
      }
      updates.incrementAndGet();
      reached.countDown();
      boolean interrupted = false;
      while (true) {
        try {
          open.await();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private final VisionLanguageModel model;
  private volatile @Nullable Gate gate;

  GatedModel(VisionLanguageModel model) {
    this.model = model;
  }

  Gate stopAt(String stage) {
    Gate fresh = new Gate(stage);
    gate = fresh;
    return fresh;
  }

  void stopNowhere() {
    gate = null;
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
    return model.encode(slices, policy, gated(progress));
  }

  @Override
  public void check(SliceImages slices, PruningPolicy policy) {
    model.check(slices, policy);
  }

  @Override
  public List<EncodedVolume> encodeAll(
      List<SliceImages> volumes, PruningPolicy policy, Progress progress) {
    return model.encodeAll(volumes, policy, progress);
  }

  @Override
  public List<Reply> askAll(List<Request> requests, Progress progress) {
    return model.askAll(requests, progress);
  }

  @Override
  public Conversation converse(EncodedVolume volume, PromptLayout layout) {
    Conversation inner = model.converse(volume, layout);
    return new Conversation() {
      @Override
      public Answer ask(
          String question, GenerationOptions options, AnswerListener listener, Progress progress) {
        return inner.ask(question, options, listener, gated(progress));
      }

      @Override
      public void recall(String question, String answer, Progress progress) {
        inner.recall(question, answer, progress);
      }

      @Override
      public void close() {
        inner.close();
      }
    };
  }

  @Override
  public void close() {
    model.close();
  }
}
