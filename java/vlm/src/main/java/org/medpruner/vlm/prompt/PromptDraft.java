package org.medpruner.vlm.prompt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The text of a prompt while it is written, with the slice that every stretch of it belongs to.
 * Used by one thread.
 */
final class PromptDraft {
  /** The owner of text that stays whatever is pruned. */
  static final int TEXT = -1;

  private final StringBuilder text = new StringBuilder();
  private final List<Integer> ends = new ArrayList<>();
  private final List<Integer> owners = new ArrayList<>();

  /** Code points so far, as the tokenizer counts. */
  private int length;

  /**
   * Appends a part.
   *
   * @param owner 0-based slice, or {@link #TEXT}
   */
  void add(int owner, String part) {
    text.append(part);
    length += part.codePointCount(0, part.length());
    ends.add(length);
    owners.add(owner);
  }

  /**
   * Tokenizes the text and repeats each image token {@code tokensPerImage} times. One per picture
   * goes through the tokenizer: the ids are the same and 85 slices of 256 would be 390,000
   * characters of text.
   *
   * @param imageId id of the image token; the text has one for each picture
   */
  Prompt tokenize(Tokenizer tokenizer, int imageId, int tokensPerImage) {
    Tokenizer.Tokens tokens = tokenizer.tokens(text.toString());
    int count = tokens.ids().length;
    int pictures = (int) Arrays.stream(tokens.ids()).filter(id -> id == imageId).count();
    int total = count + Math.multiplyExact(pictures, tokensPerImage - 1);
    int[] ids = new int[total];
    int[] slice = new int[total];
    boolean[] image = new boolean[total];
    int at = 0;
    for (int t = 0; t < count; t++) {
      boolean soft = tokens.ids()[t] == imageId;
      int end = at + (soft ? tokensPerImage : 1);
      Arrays.fill(ids, at, end, tokens.ids()[t]);
      Arrays.fill(slice, at, end, owner(tokens.start()[t], tokens.end()[t]));
      Arrays.fill(image, at, end, soft);
      at = end;
    }
    return new Prompt(ids, slice, image);
  }

  private int owner(int start, int end) {
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

  /**
   * Checks what the user wrote and what the model was loaded with.
   *
   * @throws IllegalArgumentException if there are no slices, or the question contains one of the
   *     template's control tokens
   */
  static void check(int slices, String question, List<String> control) {
    if (slices < 1) {
      throw new IllegalArgumentException("slices = " + slices + ", but it must be >= 1");
    }
    check("question", question, control);
  }

  /**
   * Checks a text that goes into a prompt.
   *
   * @param name of the argument, for the message
   * @throws IllegalArgumentException if it contains one of the template's control tokens
   */
  static void check(String name, String text, List<String> control) {
    for (String token : control) {
      if (text.contains(token)) {
        throw new IllegalArgumentException(
            name + " contains the control token " + token + "; remove it");
      }
    }
  }

  /** The argument, if it is at least 1. */
  static int tokensPerSlice(int tokensPerSlice) {
    if (tokensPerSlice < 1) {
      throw new IllegalArgumentException(
          "tokensPerSlice = " + tokensPerSlice + ", but it must be >= 1");
    }
    return tokensPerSlice;
  }
}
