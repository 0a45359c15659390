package org.medpruner.vlm.prompt;

import java.util.List;

/**
 * Renders Hulu-Med's chat template for one user turn of a volume and a question, without a system
 * prompt: the slices' image marks with commas between them, a line break, and the question as it
 * is. The processor repeats each mark once for every visual token.
 *
 * <p>A comma belongs to the slice behind it. The first slice is always kept, so whichever others
 * are pruned, the list reads as one that never had them.
 *
 * <p>Does not own the tokenizer. Thread-safe as far as that is.
 */
public final class HuluPrompt {
  private static final String TURN = ChatMl.TURN;
  private static final String TURN_END = ChatMl.TURN_END;
  private static final String IMAGE = "<image>";
  private static final List<String> CONTROL = List.of(TURN, TURN_END, IMAGE, "<|endoftext|>");

  private final Tokenizer tokenizer;
  private final int imageId;

  /**
   * A renderer.
   *
   * @param tokenizer must stay open as long as this is used; not closed
   * @throws org.medpruner.InputException if the tokenizer lacks one of the template's tokens
   */
  public HuluPrompt(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    for (String token : List.of(TURN, TURN_END)) {
      tokenizer.idOf(token);
    }
    imageId = tokenizer.idOf(IMAGE);
  }

  /** {@return id of the image token; the checkpoint's {@code image_token_index} says it, or -1} */
  public int imageTokenId() {
    return imageId;
  }

  /**
   * The prompt of all {@code slices} slices.
   *
   * @param slices at least 1
   * @param tokensPerSlice visual tokens per slice, &gt;= 1
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
      draft.add(s, s == 0 ? IMAGE : "," + IMAGE);
    }
    draft.add(PromptDraft.TEXT, "\n" + question + TURN_END + "\n" + TURN + "assistant\n");
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
    return ChatMl.followUp(tokenizer, question, CONTROL, "");
  }

  /**
   * The ids of an answer given as text.
   *
   * @param text written as it is
   * @return token ids, without the end of the turn
   * @throws IllegalArgumentException if it contains one of the template's control tokens
   */
  public int[] answer(String text) {
    PromptDraft.check("answer", text, CONTROL);
    return tokenizer.encode(text);
  }
}
