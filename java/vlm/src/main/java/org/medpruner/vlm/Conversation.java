package org.medpruner.vlm;

/**
 * Questions about one volume, each with all before it in the model's memory: the key-value cache of
 * the pruned prompt and of every turn stays, so that a further question prefills itself alone. The
 * tokens are those of one prompt that holds the whole conversation as the family's chat template
 * writes it; earlier answers stay as they were generated, thinking blocks included.
 *
 * <p>Belongs to the model and to the volume, which must stay open. One call at a time; several
 * conversations may take turns on one model. {@link #close} frees the cache and is idempotent. Any
 * thread may call it, and so may a listener: an answer that is being generated then ends with
 * {@link Ending#CANCELLED}, and the cache is freed after it.
 */
public interface Conversation extends AutoCloseable {
  /**
   * Asks.
   *
   * @param question goes into the family's chat template as it is, a blank one too
   * @param options the layout is that of the conversation's begin, whatever they say
   * @param listener receives the answer's text while it is generated, and may end it
   * @param progress receives "prefill" and "decode"
   * @return the answer; its prompt tokens are those of the whole conversation so far, and the
   *     timing "prefill" is that of the new ones
   * @throws org.medpruner.InputException if the question does not fit the model's context any more,
   *     or holds one of the template's control tokens or one beyond the model's vocabulary; the
   *     conversation is as before
   * @throws NonFiniteLogitsException if the model gives no usable logits; the conversation is over
   */
  Answer ask(
      String question, GenerationOptions options, AnswerListener listener, Progress progress);

  /**
   * Asks and waits for the whole answer.
   *
   * @param question goes into the family's chat template as it is, a blank one too
   * @param options the layout is that of the conversation's begin, whatever they say
   * @param progress receives "prefill" and "decode"
   * @return the answer, as the other {@code ask} gives it
   * @throws org.medpruner.InputException as the other {@code ask}
   * @throws NonFiniteLogitsException as the other {@code ask}
   */
  default Answer ask(String question, GenerationOptions options, Progress progress) {
    return ask(question, options, AnswerListener.NONE, progress);
  }

  /**
   * Takes a turn that was asked and answered elsewhere, so that a conversation which is kept as
   * text goes on where it was left. Nothing is generated. The answer's tokens are those of its
   * text, which may be others than were generated; a thinking block is not part of it.
   *
   * @param question that was asked
   * @param answer the text it got
   * @param progress receives "prefill", if it is the first turn
   * @throws org.medpruner.InputException if the turn does not fit the model's context, or holds one
   *     of the template's control tokens; the conversation is as before
   */
  void recall(String question, String answer, Progress progress);

  @Override
  void close();
}
