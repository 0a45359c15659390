package org.medpruner.vlm;

/**
 * How the next token is picked from the model's logits. The steps are those of transformers, in its
 * order: repetition penalty, temperature, top-k, top-p, then a draw.
 *
 * @param temperature divides the logits; 0 picks the likeliest token (greedy)
 * @param topK draw from so many likeliest tokens; 0 for all
 * @param topP draw from the fewest likeliest tokens that together have this probability; 1 for all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens that occurred
 *     in the prompt or the answer; 1 for none
 * @param seed of the draws: the same seed, model, prompt and device give the same answer
 */
public record Sampling(
    double temperature, int topK, double topP, double repetitionPenalty, long seed) {
  /** The likeliest token, always; ties go to the lower id. */
  public static final Sampling GREEDY = new Sampling(0, 0, 1, 1, 0);

  /** Checks the ranges. */
  public Sampling {
    require(temperature >= 0 && temperature <= 100, "temperature", temperature, "in 0..100");
    require(topK >= 0, "topK", topK, ">= 1, or 0 for all tokens");
    require(topP > 0 && topP <= 1, "topP", topP, "> 0 and <= 1");
    require(
        repetitionPenalty > 0 && repetitionPenalty <= 100,
        "repetitionPenalty",
        repetitionPenalty,
        "> 0 and <= 100");
  }

  /**
   * Draws from all tokens.
   *
   * @param temperature divides the logits, 0 to 100; 0 picks the likeliest token
   * @param seed of the draws
   * @return sampling without top-k, top-p and repetition penalty
   * @throws IllegalArgumentException if the temperature is out of range
   */
  public static Sampling of(double temperature, long seed) {
    return new Sampling(temperature, 0, 1, 1, seed);
  }

  private static void require(boolean ok, String name, Number value, String rule) {
    if (!ok) {
      throw new IllegalArgumentException(name + " = " + value + ", but it must be " + rule);
    }
  }
}
