package org.medpruner;

/** Collects overrides of a {@link PruningPolicy}; {@link #build} checks them. */
public final class PolicyBuilder {
  private String name;
  private boolean sliceAnchoring;
  private boolean tokenPruning;
  private double gamma;
  private double tau;
  private double contextualRatio;
  private PruningPolicy.EncoderScope encoderScope;
  private NucleusSelect.Score score;
  private double temperature;
  private PruningPolicy.PatchPooling pooling;
  private PruningPolicy.DroppedSlice droppedSlice;
  private PruningPolicy.ImageMask imageMask;
  private PruningPolicy.Positions positions;
  private PruningPolicy.DeepStack deepStack;
  private PruningPolicy.Resizing resizing;
  private int maxGapSlices;
  private double maxGapMm;
  private double patchGamma;
  private long minTokens;
  private long maxTokens;
  private long volumeMinTokens;
  private long volumeMaxTokens;

  PolicyBuilder(PruningPolicy p) {
    name = p.name();
    sliceAnchoring = p.sliceAnchoring();
    tokenPruning = p.tokenPruning();
    gamma = p.gamma();
    tau = p.tau();
    contextualRatio = p.contextualRatio();
    encoderScope = p.encoderScope();
    score = p.score();
    temperature = p.temperature();
    pooling = p.pooling();
    droppedSlice = p.droppedSlice();
    imageMask = p.imageMask();
    positions = p.positions();
    deepStack = p.deepStack();
    resizing = p.resizing();
    maxGapSlices = p.maxGapSlices();
    maxGapMm = p.maxGapMm();
    patchGamma = p.patchGamma();
    minTokens = p.minTokens();
    maxTokens = p.maxTokens();
    volumeMinTokens = p.volumeMinTokens();
    volumeMaxTokens = p.volumeMaxTokens();
  }

  /**
   * Sets {@link PruningPolicy#sliceAnchoring}; checked by {@link #build}.
   *
   * @param value whether stage 1 drops slices
   * @return this
   */
  public PolicyBuilder sliceAnchoring(boolean value) {
    sliceAnchoring = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#tokenPruning}; checked by {@link #build}.
   *
   * @param value whether stage 2 drops tokens inside kept slices
   * @return this
   */
  public PolicyBuilder tokenPruning(boolean value) {
    tokenPruning = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#gamma}; checked by {@link #build}.
   *
   * @param value in units of the model's normalised pixels, not NaN; negative keeps every slice
   * @return this
   */
  public PolicyBuilder gamma(double value) {
    gamma = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#tau}; checked by {@link #build}.
   *
   * @param value cumulative weight the nucleus must reach, in (0, 1]
   * @return this
   */
  public PolicyBuilder tau(double value) {
    tau = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#contextualRatio}; checked by {@link #build}.
   *
   * @param value share of a slice's tokens, in [0, 1]
   * @return this
   */
  public PolicyBuilder contextualRatio(double value) {
    contextualRatio = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#encoderScope}; checked by {@link #build}.
   *
   * @param value which slices the vision encoder sees, not null
   * @return this
   */
  public PolicyBuilder encoderScope(PruningPolicy.EncoderScope value) {
    encoderScope = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#score}; checked by {@link #build}.
   *
   * @param value how attention mass becomes nucleus weights, not null
   * @return this
   */
  public PolicyBuilder score(NucleusSelect.Score value) {
    score = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#temperature}; checked by {@link #build}.
   *
   * @param value finite and at least 1e-300, or 0 for the model's own; without effect on {@link
   *     NucleusSelect.Score#MASS}
   * @return this
   */
  public PolicyBuilder temperature(double value) {
    temperature = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#pooling}; checked by {@link #build}.
   *
   * @param value how patch scores are pooled into token scores, not null
   * @return this
   */
  public PolicyBuilder pooling(PruningPolicy.PatchPooling value) {
    pooling = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#droppedSlice}; checked by {@link #build}.
   *
   * @param value what a dropped slice leaves in the prompt, not null
   * @return this
   */
  public PolicyBuilder droppedSlice(PruningPolicy.DroppedSlice value) {
    droppedSlice = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#imageMask}; checked by {@link #build}.
   *
   * @param value how image tokens attend to each other, not null
   * @return this
   */
  public PolicyBuilder imageMask(PruningPolicy.ImageMask value) {
    imageMask = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#positions}; checked by {@link #build}.
   *
   * @param value which positions the pruned sequence gets, not null
   * @return this
   */
  public PolicyBuilder positions(PruningPolicy.Positions value) {
    positions = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#deepStack}; checked by {@link #build}.
   *
   * @param value what becomes of PruningPolicy.DeepStack rows of merged tokens, not null
   * @return this
   */
  public PolicyBuilder deepStack(PruningPolicy.DeepStack value) {
    deepStack = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#resizing}; checked by {@link #build}.
   *
   * @param value whose processor sizes the pictures, not null
   * @return this
   */
  public PolicyBuilder resizing(PruningPolicy.Resizing value) {
    resizing = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#maxGapSlices}; checked by {@link #build}.
   *
   * @param value keep at least every so-manieth slice, &gt;= 0; 0 is off
   * @return this
   */
  public PolicyBuilder maxGapSlices(int value) {
    maxGapSlices = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#maxGapMm}; checked by {@link #build}.
   *
   * @param value millimetres, finite and &gt;= 0; 0 is off. Needs volumes of known spacing
   * @return this
   */
  public PolicyBuilder maxGapMm(double value) {
    maxGapMm = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#patchGamma}; checked by {@link #build}.
   *
   * @param value in units of gamma, &gt; 0; 0 is off
   * @return this
   */
  public PolicyBuilder patchGamma(double value) {
    patchGamma = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#minTokens}; checked by {@link #build}.
   *
   * @param value tokens per slice, &gt;= 0; 0 is off. A slice of fewer is kept whole
   * @return this
   */
  public PolicyBuilder minTokens(long value) {
    minTokens = value;
    return this;
  }

  /**
   * Sets {@link PruningPolicy#maxTokens}; checked by {@link #build}.
   *
   * @param value tokens per slice, at least {@link PruningPolicy#minTokens}; 0 is off
   * @return this
   */
  public PolicyBuilder maxTokens(long value) {
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
  public PolicyBuilder volumeMinTokens(long value) {
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
  public PolicyBuilder volumeMaxTokens(long value) {
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
    return name.endsWith("+") || PruningPolicy.isPreset(p) ? p : with(name + "+");
  }

  /** As {@link #build}, under this name. */
  PruningPolicy with(String policyName) {
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
