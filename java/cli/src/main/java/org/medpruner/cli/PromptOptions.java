package org.medpruner.cli;

import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.PromptLayout;
import picocli.CommandLine.Option;

/** How a prompt is laid out, and how long an answer may be. */
final class PromptOptions {
  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description =
          "Most tokens of the answer (default: the checkpoint's own, or 300; eval: 1024 of reports).")
  @Nullable Integer maxNewTokens;

  @Option(
      names = "--layout",
      defaultValue = "google",
      paramLabel = "LAYOUT",
      description =
          "Prompt: google (default; instruction, pictures with labels, question) or reference"
              + " (labels before pictures, no instruction). Qwen3-VL and Hulu-Med: one layout,"
              + " pictures, question.")
  PromptLayout layout = PromptLayout.GOOGLE;

  /** Greedy answers. */
  GenerationOptions greedy() {
    Integer n = maxNewTokens;
    Failures.requireArgument(n == null || n >= 1, "--max-new-tokens", n, ">= 1");
    return new GenerationOptions(n == null ? 0 : n, layout);
  }
}
