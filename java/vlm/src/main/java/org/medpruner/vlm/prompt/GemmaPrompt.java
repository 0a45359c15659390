package org.medpruner.vlm.prompt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.prompt.GemmaTokenizer.Tokens;

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
  private static final List<String> CONTROL =
      List.of(BOS, "<eos>", "<pad>", TURN, TURN_END, IMAGE, SOFT, IMAGE_END);

  private static final int TEXT = -1;

  private final GemmaTokenizer tokenizer;
  private final int tokensPerSlice;
  private final int softId;

  /**
   * A renderer.
   *
   * @param tokensPerSlice soft tokens per picture, &gt;= 1
   * @throws org.medpruner.InputException if the tokenizer lacks one of Gemma's image tokens
   */
  public GemmaPrompt(GemmaTokenizer tokenizer, int tokensPerSlice) {
    if (tokensPerSlice < 1) {
      throw new IllegalArgumentException(
          "tokensPerSlice = " + tokensPerSlice + ", but it must be >= 1");
    }
    this.tokenizer = tokenizer;
    this.tokensPerSlice = tokensPerSlice;
    for (String token : List.of(BOS, TURN, TURN_END, IMAGE, IMAGE_END)) {
      tokenizer.idOf(token);
    }
    softId = tokenizer.idOf(SOFT);
  }

  /** Id of the image soft token; the checkpoint's {@code image_token_index} must say the same. */
  public int softTokenId() {
    return softId;
  }

  /**
   * The prompt of all {@code slices} slices, labelled 1 to {@code slices}.
   *
   * @throws IllegalArgumentException if there are no slices, or the question contains one of the
   *     template's control tokens
   */
  public Prompt build(PromptLayout layout, int slices, String question) {
    if (slices < 1) {
      throw new IllegalArgumentException("slices = " + slices + ", but it must be >= 1");
    }
    for (String token : CONTROL) {
      if (question.contains(token)) {
        throw new IllegalArgumentException(
            "question contains the control token " + token + "; remove it");
      }
    }
    Draft draft = new Draft();
    draft.add(TEXT, BOS + TURN + "user\n");
    switch (layout) {
      case GOOGLE -> {
        draft.add(TEXT, INSTRUCTION);
        for (int s = 0; s < slices; s++) {
          draft.add(s, picture(1));
          draft.add(s, "SLICE " + (s + 1));
        }
      }
      case REFERENCE -> {
        for (int s = 0; s < slices; s++) {
          draft.add(s, "SLICE " + (s + 1) + ":");
          draft.add(s, picture(1));
        }
      }
    }
    draft.add(TEXT, trim(question) + TURN_END + "\n" + TURN + "model\n");
    return expand(tokenizer.tokens(draft.text.toString()), draft);
  }

  private static String picture(int softTokens) {
    return "\n\n" + IMAGE + SOFT.repeat(softTokens) + IMAGE_END + "\n\n";
  }

  /**
   * Repeats each soft token {@code tokensPerSlice} times. One per picture goes through the
   * tokenizer: the ids are the same and 85 slices of 256 would be 390,000 characters of text.
   */
  private Prompt expand(Tokens tokens, Draft draft) {
    int count = tokens.ids().length;
    int pictures = (int) Arrays.stream(tokens.ids()).filter(id -> id == softId).count();
    int length = count + Math.multiplyExact(pictures, tokensPerSlice - 1);
    int[] ids = new int[length];
    int[] slice = new int[length];
    boolean[] image = new boolean[length];
    int at = 0;
    for (int t = 0; t < count; t++) {
      boolean soft = tokens.ids()[t] == softId;
      int end = at + (soft ? tokensPerSlice : 1);
      Arrays.fill(ids, at, end, tokens.ids()[t]);
      Arrays.fill(slice, at, end, draft.owner(tokens.start()[t], tokens.end()[t]));
      Arrays.fill(image, at, end, soft);
      at = end;
    }
    return new Prompt(ids, slice, image);
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

  /** Text with the owner of every stretch of it; positions count code points. */
  private static final class Draft {
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> ends = new ArrayList<>();
    private final List<Integer> owners = new ArrayList<>();
    private int length;

    void add(int owner, String part) {
      text.append(part);
      length += part.codePointCount(0, part.length());
      ends.add(length);
      owners.add(owner);
    }

    int owner(int start, int end) {
      int first = owners.get(partAt(start));
      int last = owners.get(partAt(Math.max(start, end - 1)));
      return first == last ? first : TEXT;
    }

    private int partAt(int position) {
      int low = 0;
      int high = ends.size() - 1;
      while (low < high) {
        int middle = (low + high) >>> 1;
        if (position < ends.get(middle)) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      return low;
    }
  }
}
