package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.List;
import org.medpruner.InputException;
import org.medpruner.MedPrunerException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.NonFiniteLogitsException;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.Reply;
import org.medpruner.vlm.Request;
import org.medpruner.vlm.VisionLanguageModel;
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
    List<Reply> replies = new ArrayList<>();
    for (Request r : requests) {
      replies.add(reply(r, progress));
    }
    return replies;
  }

  private Reply reply(Request r, Progress progress) {
    if (Thread.currentThread().isInterrupted()) {
      return new Reply.Failed(new MedPrunerException("interrupted before it was asked"));
    }
    try {
      return new Reply.Answered(ask(r.volume(), r.question(), r.options(), r.listener(), progress));
    } catch (InputException | NonFiniteLogitsException e) {
      return new Reply.Failed(e);
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
