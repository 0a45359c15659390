package org.medpruner.vlm.prompt;

import java.util.Objects;

/**
 * A whole, unpruned prompt; the three arrays have one entry per token, are not copied and must not
 * be changed.
 *
 * @param ids token ids, &gt;= 0, the beginning-of-sequence token first
 * @param slice 0-based ordinal, among the presented slices, of the one whose picture, markers or
 *     label the token belongs to; -1 for text that stays whatever is pruned. A token that straddles
 *     a label and other text counts as text
 * @param image whether the token is an image soft token, the place of one visual token
 */
@SuppressWarnings("ArrayRecordComponent")
public record Prompt(int[] ids, int[] slice, boolean[] image) {
  /** Checks that the lengths agree and that ids are ids. */
  public Prompt {
    Objects.requireNonNull(ids, "ids");
    if (slice.length != ids.length || image.length != ids.length) {
      throw new IllegalArgumentException(
          "ids, slice and image have "
              + ids.length
              + ", "
              + slice.length
              + " and "
              + image.length
              + " entries, but they must have the same number");
    }
    for (int t = 0; t < ids.length; t++) {
      if (ids[t] < 0) {
        throw new IllegalArgumentException(
            "ids: token " + t + " is " + ids[t] + ", but ids are >= 0");
      }
    }
  }

  /** {@return number of tokens, visual ones included} */
  public int length() {
    return ids.length;
  }
}
