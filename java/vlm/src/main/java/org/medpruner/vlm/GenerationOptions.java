package org.medpruner.vlm;

import java.util.List;

/**
 * How to answer.
 *
 * @param maxNewTokens most tokens to generate; 0 means the checkpoint's own, or 300
 * @param layout where labels, images and the question stand in the prompt
 * @param sampling how tokens are picked
 * @param stopStrings the answer ends where one of them begins; matched across tokens, not inside
 *     thinking blocks, and not in the first two characters of white space in front of the answer
 */
public record GenerationOptions(
    int maxNewTokens, PromptLayout layout, Sampling sampling, List<String> stopStrings) {
  /** The checkpoint's own length, the {@code google} layout, greedy. */
  public static final GenerationOptions DEFAULT = new GenerationOptions(0, PromptLayout.GOOGLE);

  /** Checks the length and the stop strings, and copies the list. */
  public GenerationOptions {
    if (maxNewTokens < 0) {
      throw new IllegalArgumentException(
          "maxNewTokens = " + maxNewTokens + ", but it must be >= 1, or 0 for the model's own");
    }
    stopStrings = List.copyOf(stopStrings);
    if (stopStrings.contains("")) {
      throw new IllegalArgumentException("stopStrings: one is empty, but it must have a character");
    }
  }

  /**
   * Greedy, without stop strings.
   *
   * @param maxNewTokens most tokens to generate; 0 means the checkpoint's own, or 300
   * @param layout where labels, images and the question stand in the prompt
   */
  public GenerationOptions(int maxNewTokens, PromptLayout layout) {
    this(maxNewTokens, layout, Sampling.GREEDY, List.of());
  }
}
