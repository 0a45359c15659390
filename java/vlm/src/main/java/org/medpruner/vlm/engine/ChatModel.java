package org.medpruner.vlm.engine;

import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
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
  public Conversation converse(EncodedVolume volume, PromptLayout layout) {
    return new ChatConversation(pipeline, format, pipeline.own(volume), layout);
  }

  @Override
  public void close() {
    pipeline.close();
    format.close();
  }
}
