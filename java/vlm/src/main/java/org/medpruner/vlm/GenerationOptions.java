package org.medpruner.vlm;

/**
 * How to answer; decoding is greedy.
 *
 * @param maxNewTokens most tokens to generate; 0 means the checkpoint's own, or 300
 * @param layout where labels, images and the question stand in the prompt
 */
public record GenerationOptions(int maxNewTokens, PromptLayout layout) {
  /** The checkpoint's own length and the {@code google} layout. */
  public static final GenerationOptions DEFAULT = new GenerationOptions(0, PromptLayout.GOOGLE);

  /** Checks the length. */
  public GenerationOptions {
    if (maxNewTokens < 0) {
      throw new IllegalArgumentException(
          "maxNewTokens = " + maxNewTokens + ", but it must be >= 1, or 0 for the model's own");
    }
  }
}
