package org.medpruner.vlm;

import java.util.List;
import org.medpruner.PruningReport;

/**
 * An answer.
 *
 * @param text the decoded answer, special tokens, thinking block and stop string removed, trimmed
 * @param tokenIds the generated ids, the stop id included
 * @param promptTokens tokens prefilled
 * @param unprunedPromptTokens tokens of the same prompt without pruning
 * @param kvBytes bytes of key-value cache held after prefill
 * @param ending what ended it
 * @param report the volume's report with savings, and timings "prefill" and "decode" added
 */
public record Answer(
    String text,
    List<Integer> tokenIds,
    int promptTokens,
    int unprunedPromptTokens,
    long kvBytes,
    Ending ending,
    PruningReport report) {

  /** Copies the ids. */
  public Answer {
    tokenIds = List.copyOf(tokenIds);
  }

  /** {@return whether it is a whole answer: a stop token or a stop string ended it} */
  public boolean stopped() {
    return ending.complete();
  }
}
