package org.medpruner;

import java.util.List;
import java.util.Objects;

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
    NucleusScore score,
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

  /** How attention mass becomes the weights of the nucleus. */
  public enum NucleusScore {
    /** {@code softmax(mass / temperature)}, the released code's. */
    SOFTMAX,
    /** {@code mass / sum(mass)}, the cumulative attention itself. */
    MASS
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
          NucleusScore.SOFTMAX,
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
      PAPER.toBuilder().score(NucleusScore.MASS).maxGapSlices(4).with("nucleus");

  /** No pruning at all: the stock model. */
  public static final PruningPolicy OFF =
      PAPER.toBuilder().sliceAnchoring(false).tokenPruning(false).with("off");

  private static final List<PruningPolicy> PRESETS = List.of(PAPER, REFERENCE, NUCLEUS, OFF);

  /** Checks every field. */
  public PruningPolicy {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(encoderScope, "encoderScope");
    Objects.requireNonNull(score, "score");
    Objects.requireNonNull(pooling, "pooling");
    Objects.requireNonNull(droppedSlice, "droppedSlice");
    Objects.requireNonNull(imageMask, "imageMask");
    Objects.requireNonNull(positions, "positions");
    Objects.requireNonNull(deepStack, "deepStack");
    Objects.requireNonNull(resizing, "resizing");
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
    if (maxGapMm == 0) {
      return maxGapSlices;
    }
    if (!(spacingMm > 0)) {
      throw new IllegalArgumentException(
          "maxGapMm = "
              + maxGapMm
              + ", but the spacing of the slices is unknown; use maxGapSlices");
    }
    long slices = SliceGaps.within(maxGapMm, spacingMm, positionsMm);
    return maxGapSlices == 0 ? slices : Math.min(maxGapSlices, slices);
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
  public Builder toBuilder() {
    return new Builder(this);
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
   * A copy with another softmax temperature.
   *
   * @param value finite and at least 1e-300, or 0 for the model's own
   * @return a copy, whose name ends in {@code "+"} unless it equals a preset
   * @throws IllegalArgumentException if the value is out of range
   */
  public PruningPolicy withTemperature(double value) {
    return toBuilder().temperature(value).build();
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

  /** Collects overrides; {@link #build} checks them. */
  public static final class Builder {
    private String name;
    private boolean sliceAnchoring;
    private boolean tokenPruning;
    private double gamma;
    private double tau;
    private double contextualRatio;
    private EncoderScope encoderScope;
    private NucleusScore score;
    private double temperature;
    private PatchPooling pooling;
    private DroppedSlice droppedSlice;
    private ImageMask imageMask;
    private Positions positions;
    private DeepStack deepStack;
    private Resizing resizing;
    private int maxGapSlices;
    private double maxGapMm;
    private double patchGamma;
    private long minTokens;
    private long maxTokens;
    private long volumeMinTokens;
    private long volumeMaxTokens;

    private Builder(PruningPolicy p) {
      name = p.name;
      sliceAnchoring = p.sliceAnchoring;
      tokenPruning = p.tokenPruning;
      gamma = p.gamma;
      tau = p.tau;
      contextualRatio = p.contextualRatio;
      encoderScope = p.encoderScope;
      score = p.score;
      temperature = p.temperature;
      pooling = p.pooling;
      droppedSlice = p.droppedSlice;
      imageMask = p.imageMask;
      positions = p.positions;
      deepStack = p.deepStack;
      resizing = p.resizing;
      maxGapSlices = p.maxGapSlices;
      maxGapMm = p.maxGapMm;
      patchGamma = p.patchGamma;
      minTokens = p.minTokens;
      maxTokens = p.maxTokens;
      volumeMinTokens = p.volumeMinTokens;
      volumeMaxTokens = p.volumeMaxTokens;
    }

    /**
     * Sets {@link PruningPolicy#sliceAnchoring}; checked by {@link #build}.
     *
     * @param value whether stage 1 drops slices
     * @return this
     */
    public Builder sliceAnchoring(boolean value) {
      sliceAnchoring = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#tokenPruning}; checked by {@link #build}.
     *
     * @param value whether stage 2 drops tokens inside kept slices
     * @return this
     */
    public Builder tokenPruning(boolean value) {
      tokenPruning = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#gamma}; checked by {@link #build}.
     *
     * @param value in units of the model's normalised pixels, not NaN; negative keeps every slice
     * @return this
     */
    public Builder gamma(double value) {
      gamma = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#tau}; checked by {@link #build}.
     *
     * @param value cumulative weight the nucleus must reach, in (0, 1]
     * @return this
     */
    public Builder tau(double value) {
      tau = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#contextualRatio}; checked by {@link #build}.
     *
     * @param value share of a slice's tokens, in [0, 1]
     * @return this
     */
    public Builder contextualRatio(double value) {
      contextualRatio = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#encoderScope}; checked by {@link #build}.
     *
     * @param value which slices the vision encoder sees, not null
     * @return this
     */
    public Builder encoderScope(EncoderScope value) {
      encoderScope = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#score}; checked by {@link #build}.
     *
     * @param value how attention mass becomes nucleus weights, not null
     * @return this
     */
    public Builder score(NucleusScore value) {
      score = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#temperature}; checked by {@link #build}.
     *
     * @param value finite and at least 1e-300, or 0 for the model's own; without effect on {@link
     *     NucleusScore#MASS}
     * @return this
     */
    public Builder temperature(double value) {
      temperature = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#pooling}; checked by {@link #build}.
     *
     * @param value how patch scores are pooled into token scores, not null
     * @return this
     */
    public Builder pooling(PatchPooling value) {
      pooling = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#droppedSlice}; checked by {@link #build}.
     *
     * @param value what a dropped slice leaves in the prompt, not null
     * @return this
     */
    public Builder droppedSlice(DroppedSlice value) {
      droppedSlice = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#imageMask}; checked by {@link #build}.
     *
     * @param value how image tokens attend to each other, not null
     * @return this
     */
    public Builder imageMask(ImageMask value) {
      imageMask = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#positions}; checked by {@link #build}.
     *
     * @param value which positions the pruned sequence gets, not null
     * @return this
     */
    public Builder positions(Positions value) {
      positions = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#deepStack}; checked by {@link #build}.
     *
     * @param value what becomes of DeepStack rows of merged tokens, not null
     * @return this
     */
    public Builder deepStack(DeepStack value) {
      deepStack = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#resizing}; checked by {@link #build}.
     *
     * @param value whose processor sizes the pictures, not null
     * @return this
     */
    public Builder resizing(Resizing value) {
      resizing = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#maxGapSlices}; checked by {@link #build}.
     *
     * @param value keep at least every so-manieth slice, &gt;= 0; 0 is off
     * @return this
     */
    public Builder maxGapSlices(int value) {
      maxGapSlices = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#maxGapMm}; checked by {@link #build}.
     *
     * @param value millimetres, finite and &gt;= 0; 0 is off. Needs volumes of known spacing
     * @return this
     */
    public Builder maxGapMm(double value) {
      maxGapMm = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#patchGamma}; checked by {@link #build}.
     *
     * @param value in units of gamma, &gt; 0; 0 is off
     * @return this
     */
    public Builder patchGamma(double value) {
      patchGamma = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#minTokens}; checked by {@link #build}.
     *
     * @param value tokens per slice, &gt;= 0; 0 is off. A slice of fewer is kept whole
     * @return this
     */
    public Builder minTokens(long value) {
      minTokens = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#maxTokens}; checked by {@link #build}.
     *
     * @param value tokens per slice, at least {@link PruningPolicy#minTokens}; 0 is off
     * @return this
     */
    public Builder maxTokens(long value) {
      maxTokens = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#volumeMinTokens}; checked by {@link #build}.
     *
     * @param value tokens in the kept slices of a volume, &gt;= 0; 0 is off. Kept slices of fewer
     *     stay whole
     * @return this
     */
    public Builder volumeMinTokens(long value) {
      volumeMinTokens = value;
      return this;
    }

    /**
     * Sets {@link PruningPolicy#volumeMaxTokens}; checked by {@link #build}.
     *
     * @param value tokens in the kept slices of a volume, at least {@link
     *     PruningPolicy#volumeMinTokens}; 0 is off
     * @return this
     */
    public Builder volumeMaxTokens(long value) {
      volumeMaxTokens = value;
      return this;
    }

    /**
     * The policy with the overrides; the builder can be used on.
     *
     * @return a new policy, whose name ends in {@code "+"} unless it equals a preset
     * @throws IllegalArgumentException naming the first field out of range
     */
    public PruningPolicy build() {
      PruningPolicy p = with(name);
      return name.endsWith("+") || PRESETS.contains(p) ? p : with(name + "+");
    }

    private PruningPolicy with(String policyName) {
      return new PruningPolicy(
          policyName,
          sliceAnchoring,
          tokenPruning,
          gamma,
          tau,
          contextualRatio,
          encoderScope,
          score,
          temperature,
          pooling,
          droppedSlice,
          imageMask,
          positions,
          deepStack,
          resizing,
          maxGapSlices,
          maxGapMm,
          patchGamma,
          minTokens,
          maxTokens,
          volumeMinTokens,
          volumeMaxTokens);
    }
  }
}
