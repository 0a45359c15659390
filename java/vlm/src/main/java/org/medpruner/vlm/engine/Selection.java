package org.medpruner.vlm.engine;

import java.util.Arrays;

/**
 * What pruning left of a volume: which slices keep their text in the prompt, and which visual
 * tokens the language model gets. The arrays are not copied and must not be changed.
 *
 * @param tokensPerSlice visual tokens of an unpruned slice
 * @param text per slice, whether its label and markers stay
 * @param token per slice and token (slice-major), whether the token stays
 */
@SuppressWarnings("ArrayRecordComponent")
public record Selection(int tokensPerSlice, boolean[] text, boolean[] token) {
  /** Checks the lengths. */
  public Selection {
    if (token.length != Math.multiplyExact(text.length, tokensPerSlice)) {
      throw new IllegalArgumentException(
          "token has " + token.length + " entries, not " + text.length + " x " + tokensPerSlice);
    }
  }

  /** Everything stays. */
  public static Selection all(int slices, int tokensPerSlice) {
    boolean[] text = new boolean[slices];
    boolean[] token = new boolean[slices * tokensPerSlice];
    Arrays.fill(text, true);
    Arrays.fill(token, true);
    return new Selection(tokensPerSlice, text, token);
  }

  /** Number of slices. */
  public int slices() {
    return text.length;
  }

  /** Number of visual tokens that stay. */
  public int kept() {
    int n = 0;
    for (boolean t : token) {
      n += t ? 1 : 0;
    }
    return n;
  }

  /** Number of visual tokens that stay of one slice. */
  public int kept(int slice) {
    int n = 0;
    for (int t = 0; t < tokensPerSlice; t++) {
      n += token[slice * tokensPerSlice + t] ? 1 : 0;
    }
    return n;
  }
}
