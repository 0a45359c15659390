package org.medpruner.vlm.engine;

import java.util.List;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.Prompt;
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

  @Override
  public ModelInfo info() {
    return pipeline.info();
  }

  @Override
  public EncodedVolume encode(SliceImages slices, PruningPolicy policy, Progress progress) {
    return pipeline.encode(slices, policy, progress);
  }

  @Override
  public Answer ask(
      EncodedVolume volume, String question, GenerationOptions options, Progress progress) {
    Prompt prompt = prompt(volume, question, options);
    TokenModel.Generation g =
        pipeline.generate(volume, prompt, options.maxNewTokens(), true, progress);
    List<Integer> words =
        g.stopped() ? g.tokenIds().subList(0, g.tokenIds().size() - 1) : g.tokenIds();
    return new Answer(
        format.answer(words),
        g.tokenIds(),
        g.promptTokens(),
        prompt.length(),
        g.kvBytes(),
        g.stopped(),
        g.report());
  }

  private Prompt prompt(EncodedVolume volume, String question, GenerationOptions options) {
    try {
      return format.prompt(
          options.layout(),
          volume.report().slices().size(),
          volume.report().tokensPerSlice(),
          question);
    } catch (IllegalArgumentException e) {
      throw new InputException("question: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    pipeline.close();
    format.close();
  }
}
