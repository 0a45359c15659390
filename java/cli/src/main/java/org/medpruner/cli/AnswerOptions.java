package org.medpruner.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Sampling;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How to answer. */
final class AnswerOptions {
  @Mixin private final PromptOptions prompt = new PromptOptions();

  @Option(
      names = "--sampling-temperature",
      defaultValue = "0",
      paramLabel = "T",
      description =
          "Draws the answer's tokens at this temperature; 0 (default) takes the likeliest."
              + " (--temperature is the pruning's.)")
  double temperature;

  @Option(
      names = "--top-k",
      defaultValue = "0",
      paramLabel = "K",
      description = "Draws from the K likeliest tokens. Default: 0, all.")
  int topK;

  @Option(
      names = "--top-p",
      defaultValue = "1",
      paramLabel = "P",
      description = "Draws from the fewest tokens that have this probability. Default: 1, all.")
  double topP = 1;

  @Option(
      names = "--repetition-penalty",
      defaultValue = "1",
      paramLabel = "R",
      description = "Lowers tokens that occurred, in the prompt too. Default: 1, off.")
  double repetitionPenalty = 1;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "N",
      description = "Seed of the draws; the same seed gives the same answer. Default: 0.")
  long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "Ends the answer before this text; may be given several times.")
  List<String> stop = new ArrayList<>();

  GenerationOptions generation() {
    GenerationOptions greedy = prompt.greedy();
    Failures.requireArgument(
        temperature >= 0 && temperature <= 100, "--sampling-temperature", temperature, "in 0..100");
    Failures.requireArgument(topK >= 0, "--top-k", topK, ">= 1, or 0 for all tokens");
    Failures.requireArgument(topP > 0 && topP <= 1, "--top-p", topP, "> 0 and <= 1");
    Failures.requireArgument(
        repetitionPenalty > 0 && repetitionPenalty <= 100,
        "--repetition-penalty",
        repetitionPenalty,
        "> 0 and <= 100");
    Failures.requireArgument(!stop.contains(""), "--stop", "\"\"", "a text");
    return new GenerationOptions(
        greedy.maxNewTokens(),
        greedy.layout(),
        new Sampling(temperature, topK, topP, repetitionPenalty, seed),
        stop);
  }

  /** Checks that a question says something. */
  static String question(@Nullable String text) {
    if (text == null || text.isBlank()) {
      throw new IllegalArgumentException("--question is empty; ask something");
    }
    return text.strip();
  }
}
