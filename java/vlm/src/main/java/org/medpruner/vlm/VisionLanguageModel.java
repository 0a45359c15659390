package org.medpruner.vlm;

import java.nio.file.Path;
import org.medpruner.PruningPolicy;
import org.medpruner.volume.SliceImages;

/**
 * A vision-language model that answers questions about a volume, pruning on the way.
 *
 * <p>A volume is encoded and pruned once ({@link #encode}); any number of questions may then be
 * asked of it. Weights stay mapped until {@link #close}, which is idempotent; use after close is an
 * {@link IllegalStateException}. One instance serves one call at a time.
 */
public interface VisionLanguageModel extends AutoCloseable {

  /**
   * Loads a Hugging Face checkpoint folder; the family comes from its {@code config.json}.
   *
   * @throws org.medpruner.InputException if the folder cannot be used; the message names the file
   */
  static VisionLanguageModel load(Path folder, LoadOptions options, Progress progress) {
    return ModelLoader.load(folder, options, progress);
  }

  /** What was loaded. */
  ModelInfo info();

  /**
   * Anchors the slices, encodes the kept ones and prunes their tokens.
   *
   * @throws IllegalArgumentException if there are no slices
   */
  EncodedVolume encode(SliceImages slices, PruningPolicy policy, Progress progress);

  /**
   * Answers a question about an encoded volume.
   *
   * @throws org.medpruner.InputException if the prompt does not fit the model's context
   */
  default Answer ask(
      EncodedVolume volume, String question, GenerationOptions options, Progress progress) {
    return ask(volume, question, options, AnswerListener.NONE, progress);
  }

  /**
   * Answers a question about an encoded volume, and hands out the text while it is generated. An
   * interrupt of the thread ends the answer early, as the listener may.
   *
   * @throws org.medpruner.InputException if the prompt does not fit the model's context
   * @throws NonFiniteLogitsException if the model gives no usable logits
   */
  default Answer ask(
      EncodedVolume volume,
      String question,
      GenerationOptions options,
      AnswerListener listener,
      Progress progress) {
    try (Conversation conversation = converse(volume, options.layout())) {
      return conversation.ask(question, options, listener, progress);
    }
  }

  /**
   * Begins a conversation about an encoded volume. Its first question prefills the pruned prompt;
   * later ones only what is new, on the key-value cache of all before.
   *
   * @param volume must stay open for as long as the conversation
   * @param layout of the first question
   */
  Conversation converse(EncodedVolume volume, PromptLayout layout);

  @Override
  void close();
}
