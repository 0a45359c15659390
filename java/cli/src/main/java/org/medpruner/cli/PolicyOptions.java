package org.medpruner.cli;

import org.jspecify.annotations.Nullable;
import org.medpruner.NucleusSelect;
import org.medpruner.PolicyBuilder;
import org.medpruner.PruningPolicy;
import picocli.CommandLine.Option;

/** A preset and an override for every field of it. */
final class PolicyOptions {
  @Option(
      names = "--preset",
      defaultValue = "paper",
      paramLabel = "NAME",
      description = "paper (default), reference, nucleus or off.")
  String preset = "paper";

  @Option(
      names = "--gamma",
      paramLabel = "X",
      description = "Keep a slice that differs by more than this, >= 0.")
  @Nullable Double gamma;

  @Option(
      names = "--tau",
      paramLabel = "X",
      description = "Cumulative weight the nucleus must reach, in (0, 1].")
  @Nullable Double tau;

  @Option(
      names = "--contextual-ratio",
      paramLabel = "X",
      description = "Share of a slice's tokens kept as contextual targets, in [0, 1].")
  @Nullable Double contextualRatio;

  @Option(
      names = "--slice-anchoring",
      negatable = true,
      description = "Whether similar slices are dropped.")
  @Nullable Boolean sliceAnchoring;

  @Option(
      names = "--token-pruning",
      negatable = true,
      description = "Whether tokens inside kept slices are dropped.")
  @Nullable Boolean tokenPruning;

  @Option(
      names = "--encoder-scope",
      paramLabel = "SCOPE",
      description = "Slices the encoder sees: kept-slices or all-slices.")
  PruningPolicy.@Nullable EncoderScope encoderScope;

  @Option(
      names = "--score",
      paramLabel = "SCORE",
      description = "Weights of the nucleus: softmax or mass.")
  NucleusSelect.@Nullable Score score;

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description = "Softmax temperature, > 0 (default: the model's own).")
  @Nullable Double temperature;

  @Option(
      names = "--pooling",
      paramLabel = "POOLING",
      description = "Patches to tokens: projector or contiguous.")
  PruningPolicy.@Nullable PatchPooling pooling;

  @Option(
      names = "--dropped-slice",
      paramLabel = "WHAT",
      description = "What a dropped slice leaves: nothing or corner-token.")
  PruningPolicy.@Nullable DroppedSlice droppedSlice;

  @Option(
      names = "--image-mask",
      paramLabel = "MASK",
      description = "Attention among image tokens: model or causal.")
  PruningPolicy.@Nullable ImageMask imageMask;

  @Option(
      names = "--positions",
      paramLabel = "HOW",
      description = "Positions after pruning: model, original or renumbered.")
  PruningPolicy.@Nullable Positions positions;

  @Option(
      names = "--deep-stack",
      paramLabel = "ROWS",
      description = "DeepStack rows of merged tokens (Qwen3-VL): merged or indexed.")
  PruningPolicy.@Nullable DeepStack deepStack;

  @Option(
      names = "--resizing",
      paramLabel = "HOW",
      description =
          "Whose resizing: model, or reference (the released code's; Qwen3-VL," + " Hulu-Med).")
  PruningPolicy.@Nullable Resizing resizing;

  @Option(
      names = "--max-gap",
      paramLabel = "N",
      description = "Keep at least every N-th slice; 0 is off.")
  @Nullable Integer maxGapSlices;

  @Option(
      names = "--max-gap-mm",
      paramLabel = "MM",
      description = "Keep slices at most this many millimetres apart; 0 is off.")
  @Nullable Double maxGapMm;

  @Option(
      names = "--patch-gamma",
      paramLabel = "X",
      description = "Keep a slice of which one patch differs by more than this, >= 0; 0 is off.")
  @Nullable Double patchGamma;

  @Option(
      names = "--min-tokens",
      paramLabel = "N",
      description = "Least nucleus tokens per slice; 0 is off.")
  @Nullable Long minTokens;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "Most nucleus tokens per slice; 0 is off.")
  @Nullable Long maxTokens;

  @Option(
      names = "--volume-min-tokens",
      paramLabel = "N",
      description = "Least nucleus tokens per volume; 0 is off.")
  @Nullable Long volumeMinTokens;

  @Option(
      names = "--volume-max-tokens",
      paramLabel = "N",
      description = "Most nucleus tokens per volume; 0 is off.")
  @Nullable Long volumeMaxTokens;

  /**
   * The policy asked for.
   *
   * @throws IllegalArgumentException naming the first argument out of range
   */
  PruningPolicy policy() {
    requireThreshold("gamma", gamma);
    requireThreshold("patchGamma", patchGamma);
    // The policy's 0 is "the model's own"; here that is said by leaving the option out.
    Failures.requireArgument(
        temperature == null || (temperature >= 1e-300 && Double.isFinite(temperature)),
        "temperature",
        temperature,
        "finite and at least 1e-300");
    PolicyBuilder b = PruningPolicy.preset(preset).toBuilder();
    set(gamma, b::gamma);
    set(tau, b::tau);
    set(contextualRatio, b::contextualRatio);
    set(sliceAnchoring, b::sliceAnchoring);
    set(tokenPruning, b::tokenPruning);
    set(encoderScope, b::encoderScope);
    set(score, b::score);
    set(temperature, b::temperature);
    set(pooling, b::pooling);
    set(droppedSlice, b::droppedSlice);
    set(imageMask, b::imageMask);
    set(positions, b::positions);
    set(deepStack, b::deepStack);
    set(resizing, b::resizing);
    set(maxGapSlices, b::maxGapSlices);
    set(maxGapMm, b::maxGapMm);
    set(patchGamma, b::patchGamma);
    set(minTokens, b::minTokens);
    set(maxTokens, b::maxTokens);
    set(volumeMinTokens, b::volumeMinTokens);
    set(volumeMaxTokens, b::volumeMaxTokens);
    return b.build();
  }

  /**
   * Anything else is a mistake on a command line. How large distances are depends on how the model
   * normalises pixels: to [-1, 1] they lie in [0, 2], with CLIP's statistics they reach 3.73.
   */
  private static void requireThreshold(String name, @Nullable Double value) {
    Failures.requireArgument(
        value == null || (value >= 0 && Double.isFinite(value)), name, value, "finite and >= 0");
  }

  private static <T> void set(
      @Nullable T value, java.util.function.Function<T, PolicyBuilder> field) {
    if (value != null) {
      PolicyBuilder unused = field.apply(value);
    }
  }
}
