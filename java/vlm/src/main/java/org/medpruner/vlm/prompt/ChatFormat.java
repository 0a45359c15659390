package org.medpruner.vlm.prompt;

import java.util.List;
import org.medpruner.vlm.PromptLayout;

/**
 * How a model family writes slices and a question as token ids, and reads ids as an answer. Holds
 * the tokenizer until {@link #close}.
 */
public interface ChatFormat extends AutoCloseable {
  /**
   * The prompt of all slices and a question, unpruned.
   *
   * @param layout where labels, images and the question stand; without effect on families whose
   *     template leaves no choice
   * @param slices at least 1
   * @param tokensPerSlice visual tokens of an unpruned slice
   * @param question without control tokens
   * @return one entry per token, image tokens repeated once for every visual token
   * @throws IllegalArgumentException if there are no slices, or the question contains one of the
   *     template's control tokens
   */
  Prompt prompt(PromptLayout layout, int slices, int tokensPerSlice, String question);

  /**
   * What stands between an answer and the next one: the end of the model's turn, a user's turn with
   * a question, and the beginning of the model's next.
   *
   * @param question without control tokens
   * @return token ids, to be put behind the ids of the answer
   * @throws IllegalArgumentException if the question contains one of the template's control tokens
   */
  int[] followUp(String question);

  /**
   * The ids of an answer that is given as text, as the template writes it behind {@link #prompt} or
   * {@link #followUp}.
   *
   * @param answer without control tokens
   * @return token ids, without the end of the turn
   * @throws IllegalArgumentException if it contains one of the template's control tokens
   */
  int[] answerIds(String answer);

  /**
   * Text of generated ids as the model wrote it.
   *
   * @param ids as generated, stop ids included; of an answer or of a part of it
   * @return special tokens left out; marks and contents of thinking blocks stay
   */
  String decode(List<Integer> ids);

  /**
   * What the reader of an answer is to see of it.
   *
   * @param decoded an answer from its beginning, as {@link #decode} gives it
   * @return thinking blocks left out, trimmed
   */
  String visible(String decoded);

  @Override
  void close();
}
