package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.MedPrunerException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.Reply;
import org.medpruner.vlm.Request;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.nn.TorchFailures;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.volume.SliceImages;

/** A pipeline with its family's text side. Owns both. */
public final class ChatModel implements VisionLanguageModel {
  private final Pipeline pipeline;
  private final ChatFormat format;

  /**
   * A model.
   *
   * @param pipeline closed with this object
   * @param format closed with this object
   */
  public ChatModel(Pipeline pipeline, ChatFormat format) {
    this.pipeline = pipeline;
    this.format = format;
  }

  /** The model without its text side; belongs to this object. */
  public Pipeline pipeline() {
    return pipeline;
  }

  @Override
  public ModelInfo info() {
    return pipeline.info();
  }

  @Override
  public EncodedVolume encode(SliceImages slices, PruningPolicy policy, Progress progress) {
    return pipeline.encode(slices, policy, progress);
  }

  @Override
  public void check(SliceImages slices, PruningPolicy policy) {
    pipeline.check(slices, policy);
  }

  @Override
  public List<EncodedVolume> encodeAll(
      List<SliceImages> volumes, PruningPolicy policy, Progress progress) {
    return List.copyOf(pipeline.encodeAll(volumes, policy, progress));
  }

  @Override
  public List<Reply> askAll(List<Request> requests, Progress progress) {
    for (int i = 0; i < requests.size(); i++) {
      try {
        pipeline.own(requests.get(i).volume());
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("requests[" + i + "]: " + e.getMessage(), e);
      }
    }
    if (requests.isEmpty()) {
      return List.of();
    }
    // One call: between two requests another thread's call would make this one fail, answers and
    // all.
    return pipeline.exclusively(
        () -> {
          List<Reply> replies = new ArrayList<>();
          for (Request r : requests) {
            replies.add(reply(r, progress));
          }
          return replies;
        });
  }

  private Reply reply(Request r, Progress progress) {
    if (Thread.currentThread().isInterrupted()) {
      return new Reply.Failed(new MedPrunerException("interrupted before it was asked"));
    }
    NotedProgress noted = new NotedProgress(progress);
    try (ChatConversation alone =
        new ChatConversation(pipeline, format, pipeline.own(r.volume()), r.options().layout())) {
      return new Reply.Answered(alone.answer(r.question(), r.options(), r.listener(), noted));
    } catch (RuntimeException | OutOfMemoryError e) {
      if (e == noted.thrown) {
        throw e;
      }
      return new Reply.Failed(
          e instanceof MedPrunerException known
              ? known
              : new MedPrunerException(TorchFailures.line(e), e));
    }
  }

  /** Tells what the caller's progress threw, which ends the call, from what a request did. */
  private static final class NotedProgress implements Progress {
    private final Progress progress;
    private @Nullable Throwable thrown;

    NotedProgress(Progress progress) {
      this.progress = progress;
    }

    @Override
    public void update(String stage, long done, long total) {
      try {
        progress.update(stage, done, total);
      } catch (RuntimeException | OutOfMemoryError e) {
        thrown = e;
        throw e;
      }
    }
  }

  @Override
  public Conversation converse(EncodedVolume volume, PromptLayout layout) {
    return new ChatConversation(pipeline, format, pipeline.own(volume), layout);
  }

  @Override
  public void close() {
    pipeline.close();
    format.close();
  }
}
