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
   * @param slices at least 1
   * @param tokensPerSlice visual tokens of an unpruned slice
   * @throws IllegalArgumentException if there are no slices, or the question contains one of the
   *     template's control tokens
   */
  Prompt prompt(PromptLayout layout, int slices, int tokensPerSlice, String question);

  /**
   * What stands between an answer and the next one: the end of the model's turn, a user's turn with
   * a question, and the beginning of the model's next.
   *
   * @throws IllegalArgumentException if the question contains one of the template's control tokens
   */
  int[] followUp(String question);

  /**
   * The ids of an answer that is given as text, as the template writes it behind {@link #prompt} or
   * {@link #followUp}.
   *
   * @throws IllegalArgumentException if it contains one of the template's control tokens
   */
  int[] answerIds(String answer);

  /** Text of generated ids, special tokens and thinking blocks left out, trimmed. */
  String answer(List<Integer> ids);

  @Override
  void close();
}
