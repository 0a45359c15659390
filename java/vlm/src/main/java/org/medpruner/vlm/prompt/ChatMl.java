package org.medpruner.vlm.prompt;

import java.util.List;

/** The turns of ChatML, which Qwen3-VL and Hulu-Med share. */
final class ChatMl {
  /** Begins a turn; a role and a line break follow. */
  static final String TURN = "<|im_start|>";

  /** Ends a turn. */
  static final String TURN_END = "<|im_end|>";

  private ChatMl() {}

  /**
   * The ids between an answer and the next: its turn's end, a question as it is, and the next
   * turn's begin.
   *
   * @param opening what the template writes for the model at the begin of its turn
   * @throws IllegalArgumentException if the question contains one of the control tokens
   */
  static int[] followUp(
      Tokenizer tokenizer, String question, List<String> control, String opening) {
    PromptDraft.check(1, question, control);
    return tokenizer.encode(
        TURN_END
            + "\n"
            + TURN
            + "user\n"
            + question
            + TURN_END
            + "\n"
            + TURN
            + "assistant\n"
            + opening);
  }
}
