package org.medpruner.vlm.prompt;

import java.util.List;

/**
 * Renders the chat template of Qwen3-VL for one user turn of slices and a question: every picture
 * between its two marks, then the question as it is. There is no system prompt, no label and no
 * trimming, and both prompt layouts are this one.
 *
 * <p>Does not own the tokenizer. Thread-safe as far as that is.
 */
public final class QwenPrompt {
  private static final String TURN = ChatMl.TURN;
  private static final String TURN_END = ChatMl.TURN_END;
  private static final String VISION = "<|vision_start|>";
  private static final String IMAGE = "<|image_pad|>";
  private static final String VISION_END = "<|vision_end|>";
  private static final List<String> CONTROL =
      List.of(
          TURN,
          TURN_END,
          "<|endoftext|>",
          VISION,
          VISION_END,
          "<|vision_pad|>",
          IMAGE,
          "<|video_pad|>");

  private final Tokenizer tokenizer;
  private final String opening;
  private final int imageId;

  /**
   * A renderer.
   *
   * @param tokenizer must stay open as long as this is used; not closed
   * @param opening what the template writes at the begin of the model's turn: "", or a thinking
   *     block that it opens, as the Thinking checkpoints' does, or an empty one
   * @throws org.medpruner.InputException if the tokenizer lacks one of Qwen's vision tokens
   */
  public QwenPrompt(Tokenizer tokenizer, String opening) {
    this.tokenizer = tokenizer;
    this.opening = opening;
    for (String token : List.of(TURN, TURN_END, VISION, VISION_END)) {
      tokenizer.idOf(token);
    }
    imageId = tokenizer.idOf(IMAGE);
  }

  /** {@return id of the image token; the checkpoint's {@code image_token_id} must say the same} */
  public int imageTokenId() {
    return imageId;
  }

  /**
   * The prompt of all {@code slices} slices.
   *
   * @param slices at least 1
   * @param tokensPerSlice visual tokens of a slice, &gt;= 1
   * @param question written as it is
   * @return one entry per token
   * @throws IllegalArgumentException if there are no slices, or the question contains one of the
   *     template's control tokens
   */
  public Prompt build(int slices, int tokensPerSlice, String question) {
    PromptDraft.check(slices, question, CONTROL);
    PromptDraft draft = new PromptDraft();
    draft.add(PromptDraft.TEXT, TURN + "user\n");
    for (int s = 0; s < slices; s++) {
      draft.add(s, VISION + IMAGE + VISION_END);
    }
    draft.add(PromptDraft.TEXT, question + TURN_END + "\n" + TURN + "assistant\n" + opening);
    return draft.tokenize(tokenizer, imageId, PromptDraft.tokensPerSlice(tokensPerSlice));
  }

  /**
   * The ids between an answer and the next: its turn's end, a question, and the next turn's begin.
   *
   * @param question written as it is
   * @return token ids, to be put behind the ids of the answer
   * @throws IllegalArgumentException if the question contains one of the template's control tokens
   */
  public int[] followUp(String question) {
    return ChatMl.followUp(tokenizer, question, CONTROL, opening);
  }

  /**
   * The ids of an answer given as text; the thinking block that the template opened stays empty.
   *
   * @param text written as it is
   * @return token ids, without the end of the turn
   * @throws IllegalArgumentException if it contains one of the template's control tokens
   */
  public int[] answer(String text) {
    PromptDraft.check("answer", text, CONTROL);
    return tokenizer.encode((thinking() ? "\n</think>\n\n" : "") + text);
  }

  /**
   * Whether the model's turn begins inside a thinking block.
   *
   * @return true where the template opens one and leaves its end to the model
   */
  public boolean thinking() {
    return opening.contains(ThinkingBlock.QWEN.open())
        && !opening.contains(ThinkingBlock.QWEN.close());
  }
}
