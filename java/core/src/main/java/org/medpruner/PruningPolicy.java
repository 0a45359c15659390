package org.medpruner;

import java.util.List;

/**
 * Everything that decides what is pruned and how; immutable. Start from a preset and override
 * fields:
 *
 * {@snippet :
 * PruningPolicy policy = PruningPolicy.preset("paper").withTau(0.7).withMaxGapSlices(8);
 * }
 *
 * @param name the preset it came from, with {@code "+"} appended once a field was overridden
 * @param sliceAnchoring whether stage 1 drops slices
 * @param tokenPruning whether stage 2 drops tokens inside kept slices
 * @param gamma stage 1 threshold, in units of the model's normalised pixels (usually [-1, 1])
 * @param tau cumulative weight the nucleus must reach, in (0, 1]
 * @param contextualRatio share of a slice's tokens that become contextual targets, in [0, 1]
 * @param encoderScope which slices the vision encoder sees
 * @param score how attention mass becomes nucleus weights
 * @param temperature softmax temperature, finite and at least 1e-300; 0 means the model's own (2
 *     for MedGemma and Qwen3-VL, 1 for Hulu-Med)
 * @param pooling how patch scores are pooled into token scores
 * @param droppedSlice what a dropped slice leaves in the prompt
 * @param imageMask how image tokens attend to each other in the language model
 * @param positions which positions the pruned sequence gets
 * @param deepStack what becomes of DeepStack rows of merged tokens (Qwen3-VL)
 * @param resizing whose processor sizes the pictures
 * @param maxGapSlices keep at least every k-th slice; 0 is off
 * @param maxGapMm keep slices at most this many millimetres apart, or all where neighbours are
 *     further; 0 is off
 * @param patchGamma keep a slice that has a patch of the vision encoder's grid which differs from
 *     that of the anchor by more than this, in units of gamma; 0 is off
 * @param minTokens least nucleus tokens per slice; 0 is off
 * @param maxTokens most nucleus tokens per slice; 0 is off
 * @param volumeMinTokens least nucleus tokens in the kept slices of a volume; 0 is off
 * @param volumeMaxTokens most nucleus tokens in the kept slices of a volume; 0 is off
 */
public record PruningPolicy(
    String name,
    boolean sliceAnchoring,
    boolean tokenPruning,
    double gamma,
    double tau,
    double contextualRatio,
    EncoderScope encoderScope,
    NucleusSelect.Score score,
    double temperature,
    PatchPooling pooling,
    DroppedSlice droppedSlice,
    ImageMask imageMask,
    Positions positions,
    DeepStack deepStack,
    Resizing resizing,
    int maxGapSlices,
    double maxGapMm,
    double patchGamma,
    long minTokens,
    long maxTokens,
    long volumeMinTokens,
    long volumeMaxTokens) {

  /** Which slices the vision encoder runs on. */
  public enum EncoderScope {
    /** Only those stage 1 kept. */
    KEPT_SLICES,
    /** All of them, as the released code does. */
    ALL_SLICES
  }

  /** How patch scores become token scores. */
  public enum PatchPooling {
    /** Over the patches the projector pools into the token. */
    PROJECTOR,
    /** Over as many consecutive patches: the released MedGemma code's 1 x 16 strips. */
    CONTIGUOUS
  }

  /** What a dropped slice leaves in the prompt. */
  public enum DroppedSlice {
    /** Nothing: its label and image markers go too. */
    NOTHING,
    /** One corner token and all scaffolding, as in the released code. */
    CORNER_TOKEN
  }

  /** How image tokens of one slice attend to each other in the language model. */
  public enum ImageMask {
    /**
     * As the model was trained: in both directions within a slice, groups computed after pruning.
     */
    MODEL,
    /** Causally, as the released code runs under FlashAttention-2. */
    CAUSAL
  }

  /** Positions of the pruned sequence. */
  public enum Positions {
    /** What the model family does: renumbered for Gemma and Hulu-Med, original for Qwen3-VL. */
    MODEL,
    /** Those of the unpruned prompt; decoding continues after its length. */
    ORIGINAL,
    /** 0 .. L-1. */
    RENUMBERED
  }

  /** DeepStack rows of tokens that are merged away; without meaning for models that have none. */
  public enum DeepStack {
    /** Merged into the target's row with the assignment of the features. */
    MERGED,
    /** Left out, as in the released code: only the rows of kept tokens stay, unchanged. */
    INDEXED
  }

  /** How pictures get the size the vision encoder sees. */
  public enum Resizing {
    /** As the model's own processor does it. */
    MODEL,
    /**
     * As the released code calls it: Qwen3-VL's pictures are resized to multiples of 28 pixels
     * first and then to multiples of 32; Hulu-Med's that are not square get the height of the width
     * and the width of the height. Elsewhere the same as {@link #MODEL}.
     */
    REFERENCE
  }

  /** The published method with the released code's defects corrected; the default. */
  public static final PruningPolicy PAPER =
      new PruningPolicy(
          "paper",
          true,
          true,
          0.05,
          0.9,
          0.05,
          EncoderScope.KEPT_SLICES,
          NucleusSelect.Score.SOFTMAX,
          0,
          PatchPooling.PROJECTOR,
          DroppedSlice.NOTHING,
          ImageMask.MODEL,
          Positions.MODEL,
          DeepStack.MERGED,
          Resizing.MODEL,
          0,
          0,
          0,
          0,
          0,
          0,
          0);

  /** Parity with the released code, where it runs. */
  public static final PruningPolicy REFERENCE =
      PAPER.toBuilder()
          .encoderScope(EncoderScope.ALL_SLICES)
          .pooling(PatchPooling.CONTIGUOUS)
          .droppedSlice(DroppedSlice.CORNER_TOKEN)
          .imageMask(ImageMask.CAUSAL)
          .deepStack(DeepStack.INDEXED)
          .resizing(Resizing.REFERENCE)
          .with("reference");

  /**
   * The literal cumulative-attention nucleus, with a bound on the gap between kept slices: at 4, a
   * finding taller than four slice distances always has a kept slice, for one slice in a hundred
   * more of a head MRI (docs/lesion-study.md).
   */
  public static final PruningPolicy NUCLEUS =
      PAPER.toBuilder().score(NucleusSelect.Score.MASS).maxGapSlices(4).with("nucleus");

  /** No pruning at all: the stock model. */
  public static final PruningPolicy OFF =
      PAPER.toBuilder().sliceAnchoring(false).tokenPruning(false).with("off");

  private static final List<PruningPolicy> PRESETS = List.of(PAPER, REFERENCE, NUCLEUS, OFF);

  /** Checks every field. */
  public PruningPolicy {
    Check.notNull("name", name);
    Check.notNull("encoderScope", encoderScope);
    Check.notNull("score", score);
    Check.notNull("pooling", pooling);
    Check.notNull("droppedSlice", droppedSlice);
    Check.notNull("imageMask", imageMask);
    Check.notNull("positions", positions);
    Check.notNull("deepStack", deepStack);
    Check.notNull("resizing", resizing);
    require(!Double.isNaN(gamma), "gamma", gamma, "a number");
    require(tau > 0 && tau <= 1, "tau", tau, "in (0, 1]");
    require(
        contextualRatio >= 0 && contextualRatio <= 1,
        "contextualRatio",
        contextualRatio,
        "in [0, 1]");
    require(
        temperature == 0 || (temperature >= 1e-300 && Double.isFinite(temperature)),
        "temperature",
        temperature,
        "finite and at least 1e-300, or 0 for the model's own");
    require(maxGapSlices >= 0, "maxGapSlices", maxGapSlices, ">= 0");
    require(maxGapMm >= 0 && Double.isFinite(maxGapMm), "maxGapMm", maxGapMm, "finite and >= 0");
    require(patchGamma >= 0, "patchGamma", patchGamma, "> 0, or 0 for no such guard");
    checkFloorAndCap("minTokens", minTokens, "maxTokens", maxTokens);
    checkFloorAndCap("volumeMinTokens", volumeMinTokens, "volumeMaxTokens", volumeMaxTokens);
  }

  private static void checkFloorAndCap(String floorName, long floor, String capName, long cap) {
    require(floor >= 0, floorName, floor, ">= 0");
    require(cap >= 0, capName, cap, ">= 0");
    require(cap == 0 || floor <= cap, floorName, floor, "at most " + capName + " = " + cap);
  }

  private static void require(boolean ok, String field, Object value, String rule) {
    if (!ok) {
      throw new IllegalArgumentException(field + " = " + value + ", but it must be " + rule);
    }
  }

  /** Whether it equals a preset, its name included. */
  static boolean isPreset(PruningPolicy p) {
    return PRESETS.contains(p);
  }

  /** {@return the names {@link #preset} accepts, the default first; unmodifiable} */
  public static List<String> presetNames() {
    return PRESETS.stream().map(PruningPolicy::name).toList();
  }

  /**
   * A preset by name.
   *
   * @param name one of {@link #presetNames}, in lower case
   * @return {@link #PAPER}, {@link #REFERENCE}, {@link #NUCLEUS} or {@link #OFF}
   * @throws IllegalArgumentException if there is none of that name; the message lists them
   */
  public static PruningPolicy preset(String name) {
    for (PruningPolicy p : PRESETS) {
      if (p.name.equals(name)) {
        return p;
      }
    }
    throw new IllegalArgumentException(
        "unknown preset \"" + name + "\"; use one of " + String.join(", ", presetNames()));
  }

  /**
   * The bound on the gap between kept slices, from {@link #maxGapSlices} and {@link #maxGapMm}.
   *
   * @param spacingMm distance of neighbouring slices, NaN when unknown
   * @return keep at least every so-manieth slice; 0 when there is no bound
   * @throws IllegalArgumentException if a bound in millimetres is set and the spacing is unknown
   */
  public long maxGap(double spacingMm) {
    return maxGap(spacingMm, new double[0]);
  }

  /**
   * The bound on the gap between kept slices, where neighbouring slices are not all equally far
   * from each other, such as sampled ones: as many slices as are never further apart than {@link
   * #maxGapMm}, wherever they lie.
   *
   * @param spacingMm mean distance of neighbouring slices, NaN when unknown
   * @param positionsMm coordinate of each slice along an axis that need not be that of the slices;
   *     where there are none, or one is NaN, all distances are the mean; not changed
   * @return keep at least every so-manieth slice; 0 when there is no bound
   * @throws IllegalArgumentException if a bound in millimetres is set and the spacing is unknown
   */
  public long maxGap(double spacingMm, double[] positionsMm) {
    return SliceGaps.bound(this, spacingMm, Check.notNull("positionsMm", positionsMm));
  }

  /**
   * The policy with the model's own temperature filled in where it is 0; the name stays.
   *
   * @param modelTemperature finite and &gt; 0
   * @return this policy if it names a temperature, or else a copy
   */
  public PruningPolicy resolved(double modelTemperature) {
    if (temperature > 0) {
      return this;
    }
    return toBuilder().temperature(modelTemperature).with(name);
  }

  /** {@return a builder that begins with the fields of this policy, which stays as it is} */
  public PolicyBuilder toBuilder() {
    return new PolicyBuilder(this);
  }

  /**
   * A copy with another stage 1 threshold.
   *
   * @param value in units of the model's normalised pixels, not NaN; negative keeps every slice
   * @return a copy, whose name ends in {@code "+"} unless it equals a preset
   * @throws IllegalArgumentException if the value is NaN
   */
  public PruningPolicy withGamma(double value) {
    return toBuilder().gamma(value).build();
  }

  /**
   * A copy with another share of the weights that the nucleus must reach.
   *
   * @param value in (0, 1]; 1 keeps every token
   * @return a copy, whose name ends in {@code "+"} unless it equals a preset
   * @throws IllegalArgumentException if the value is out of range
   */
  public PruningPolicy withTau(double value) {
    return toBuilder().tau(value).build();
  }

  /**
   * A copy with another bound on the gap between kept slices.
   *
   * @param value keep at least every so-manieth slice, &gt;= 0; 0 is off
   * @return a copy, whose name ends in {@code "+"} unless it equals a preset
   * @throws IllegalArgumentException if the value is negative
   */
  public PruningPolicy withMaxGapSlices(int value) {
    return toBuilder().maxGapSlices(value).build();
  }

  /**
   * A copy with another threshold of patches.
   *
   * @param value in units of gamma, &gt; 0; 0 is off
   * @return a copy, whose name ends in {@code "+"} unless it equals a preset
   * @throws IllegalArgumentException if the value is negative or NaN
   */
  public PruningPolicy withPatchGamma(double value) {
    return toBuilder().patchGamma(value).build();
  }
}
