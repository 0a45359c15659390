package org.medpruner.vlm.prompt;

import java.util.List;
import org.medpruner.vlm.PromptLayout;

/**
 * Renders the chat template of Gemma 3 and MedGemma for one user turn of slices and a question.
 *
 * <p>The template trims every text part; the processor turns each picture into two newlines, the
 * start mark, {@code n} soft tokens, the end mark and two newlines. The text holds the one
 * beginning-of-sequence token itself and ends where the model's turn begins.
 *
 * <p>Does not own the tokenizer. Thread-safe as far as that is.
 */
public final class GemmaPrompt {
  /** What the {@code google} layout says before the slices. */
  public static final String INSTRUCTION =
      "You are an instructor teaching medical students. You are analyzing a contiguous block of CT"
          + " slices from the center of the abdomen. Please review the slices provided below"
          + " carefully.";

  private static final String BOS = "<bos>";
  private static final String TURN = "<start_of_turn>";
  private static final String TURN_END = "<end_of_turn>";
  private static final String IMAGE = "<start_of_image>";
  private static final String SOFT = "<image_soft_token>";
  private static final String IMAGE_END = "<end_of_image>";
  private static final String PICTURE = "\n\n" + IMAGE + SOFT + IMAGE_END + "\n\n";
  private static final List<String> CONTROL =
      List.of(BOS, "<eos>", "<pad>", TURN, TURN_END, IMAGE, SOFT, IMAGE_END);

  private final Tokenizer tokenizer;
  private final int softId;

  /**
   * A renderer.
   *
   * @param tokenizer must stay open as long as this is used; not closed
   * @throws org.medpruner.InputException if the tokenizer lacks one of Gemma's image tokens
   */
  public GemmaPrompt(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    for (String token : List.of(BOS, TURN, TURN_END, IMAGE, IMAGE_END)) {
      tokenizer.idOf(token);
    }
    softId = tokenizer.idOf(SOFT);
  }

  /**
   * {@return id of the image soft token; the checkpoint's {@code image_token_index} must say the
   * same}
   */
  public int softTokenId() {
    return softId;
  }

  /**
   * The prompt of all {@code slices} slices, labelled 1 to {@code slices}.
   *
   * @param layout where the labels and the instruction stand
   * @param slices at least 1
   * @param tokensPerSlice soft tokens per picture, &gt;= 1
   * @param question trimmed as the template does
   * @return one entry per token
   * @throws IllegalArgumentException if there are no slices, or the question contains one of the
   *     template's control tokens
   */
  public Prompt build(PromptLayout layout, int slices, int tokensPerSlice, String question) {
    PromptDraft.check(slices, question, CONTROL);
    PromptDraft draft = new PromptDraft();
    draft.add(PromptDraft.TEXT, BOS + TURN + "user\n");
    switch (layout) {
      case GOOGLE -> {
        draft.add(PromptDraft.TEXT, INSTRUCTION);
        for (int s = 0; s < slices; s++) {
          draft.add(s, PICTURE);
          draft.add(s, "SLICE " + (s + 1));
        }
      }
      case REFERENCE -> {
        for (int s = 0; s < slices; s++) {
          draft.add(s, "SLICE " + (s + 1) + ":");
          draft.add(s, PICTURE);
        }
      }
    }
    draft.add(PromptDraft.TEXT, trim(question) + TURN_END + "\n" + TURN + "model\n");
    return draft.tokenize(tokenizer, softId, PromptDraft.tokensPerSlice(tokensPerSlice));
  }

  /**
   * The ids between an answer and the next: its turn's end, a question, and the next turn's begin.
   *
   * @param question trimmed as the template does
   * @return token ids, to be put behind the ids of the answer
   * @throws IllegalArgumentException if the question contains one of the template's control tokens
   */
  public int[] followUp(String question) {
    PromptDraft.check(1, question, CONTROL);
    String user = TURN + "user\n" + trim(question) + TURN_END + "\n";
    return tokenizer.encode(TURN_END + "\n" + user + TURN + "model\n");
  }

  /**
   * The ids of an answer given as text, trimmed as the template does.
   *
   * @param text without control tokens
   * @return token ids, without the end of the turn
   * @throws IllegalArgumentException if it contains one of the template's control tokens
   */
  public int[] answer(String text) {
    PromptDraft.check("answer", text, CONTROL);
    return tokenizer.encode(trim(text));
  }

  /** Trims as the template's {@code trim} does, which is Python's idea of white space. */
  private static String trim(String text) {
    int[] points = text.codePoints().toArray();
    int start = 0;
    int end = points.length;
    while (start < end && isSpace(points[start])) {
      start++;
    }
    while (end > start && isSpace(points[end - 1])) {
      end--;
    }
    return new String(points, start, end - start);
  }

  private static boolean isSpace(int point) {
    return Character.isWhitespace(point) || Character.isSpaceChar(point) || point == 0x85;
  }
}
