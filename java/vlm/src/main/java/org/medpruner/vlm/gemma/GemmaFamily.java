package org.medpruner.vlm.gemma;

import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.AttentionMass;
import org.medpruner.PruningPolicy.PatchPooling;
import org.medpruner.PruningPolicy.Positions;
import org.medpruner.PruningPolicy.Resizing;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.GenerationConfig;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.checkpoint.StorageType;
import org.medpruner.vlm.engine.FloatPixels;
import org.medpruner.vlm.engine.LoadedFamily;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.Preparation;
import org.medpruner.vlm.engine.SliceGrid;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.EncoderStack;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.Weights;
import org.medpruner.volume.SliceImages;

/** Gemma 3 and MedGemma: a SigLIP tower on square pictures of one size, a Gemma 3 decoder. */
public final class GemmaFamily extends LoadedFamily {
  // Name layouts: the Hub's, re-saved ones, and transformers 5's in memory; parts may differ in one
  // checkpoint, so each part is looked for on its own.
  private static final List<String> TEXT_PREFIXES =
      List.of("language_model.model.", "model.language_model.", "language_model.");
  private static final List<String> VISION_PREFIXES =
      List.of(
          "vision_tower.vision_model.",
          "model.vision_tower.vision_model.",
          "model.vision_tower.",
          "vision_tower.");
  private static final List<String> PROJECTOR_PREFIXES =
      List.of("multi_modal_projector.", "model.multi_modal_projector.");

  private final GemmaConfig config;
  private final PreprocessorConfig preprocessor;
  private final SiglipTower tower;
  private final Projector projector;
  private final SliceGrid grid;

  private GemmaFamily(
      Path folder,
      GemmaConfig config,
      PreprocessorConfig preprocessor,
      GenerationConfig generation,
      Weights weights) {
    super(
        folder,
        config.architecture(),
        config.vision().imageSize(),
        config.tokensPerImage(),
        generation,
        weights,
        decoder(config, weights));
    this.config = config;
    this.preprocessor = preprocessor;
    tower =
        new SiglipTower(
            weights,
            weights.prefix("embeddings.patch_embedding.weight", VISION_PREFIXES),
            config.vision());
    projector =
        new Projector(
            weights, weights.prefix("mm_input_projection_weight", PROJECTOR_PREFIXES), config);
    grid =
        new SliceGrid(
            config.vision().patchSize(),
            config.vision().grid(),
            config.vision().grid(),
            config.tokenGrid(),
            config.tokenGrid());
  }

  private static Decoder decoder(GemmaConfig config, Weights weights) {
    String prefix = weights.prefix(Decoder.EMBEDDING, TEXT_PREFIXES);
    return new Decoder(
        weights, prefix, config.text(), config.head(), scale(config, weights, prefix));
  }

  /** sqrt(hidden), rounded as the embedding is stored: 50.5 instead of 50.596 for MedGemma. */
  private static double scale(GemmaConfig config, Weights weights, String textPrefix) {
    int h = config.text().hiddenSize();
    StorageType stored =
        weights.storageType(textPrefix + Decoder.EMBEDDING, config.text().vocabSize(), h);
    return Ops.rounded(Math.sqrt(h), stored);
  }

  /**
   * Loads a checkpoint folder.
   *
   * @throws org.medpruner.InputException if the folder cannot be used; the message names the file
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch, or CUDA where it is asked for,
   *     cannot be used
   */
  public static GemmaFamily load(Path folder, LoadOptions options, Progress progress) {
    return load(folder, options, Weights.MAX_CACHED_BYTES, progress);
  }

  /** Keeps a converted copy of weights that take at most {@code maxCachedBytes}. */
  static GemmaFamily load(
      Path folder, LoadOptions options, long maxCachedBytes, Progress progress) {
    GemmaConfig config = GemmaConfig.read(folder);
    PreprocessorConfig preprocessor = PreprocessorConfig.read(folder, config.vision().imageSize());
    GenerationConfig generation = GenerationConfig.read(folder, config.stopTokens());
    return Weights.load(
        folder,
        options,
        maxCachedBytes,
        progress,
        weights -> new GemmaFamily(folder, config, preprocessor, generation, weights));
  }

  /** The configuration. */
  GemmaConfig config() {
    return config;
  }

  /** The vision tower. */
  SiglipTower tower() {
    return tower;
  }

  @Override
  public double temperature() {
    return 2;
  }

  @Override
  public Positions positions() {
    return Positions.RENUMBERED;
  }

  @Override
  public boolean bidirectionalImages() {
    return true;
  }

  @Override
  public int visionHeadDim() {
    return config.vision().headDim();
  }

  @Override
  public int planes() {
    return 0;
  }

  @Override
  public Preparation preparation(SliceImages images, Resizing resizing) {
    return new Preparation(preprocessor, grid, GemmaFamily::planar);
  }

  @Override
  public PixelSource pixels(Tensor pictures) {
    int side = config.vision().imageSize();
    if (pictures.size(2) != side || pictures.size(3) != side) {
      throw new IllegalArgumentException(
          "pixels of "
              + pictures.size(2)
              + " x "
              + pictures.size(3)
              + ", but the vision tower sees "
              + side
              + " x "
              + side);
    }
    return new FloatPixels(pictures, grid, GemmaFamily::planar, decoder().compute());
  }

  /** [B, height, width, 3] as the convolution takes it. */
  private static Tensor planar(Tensor pictures) {
    return pictures.permute(0, 3, 1, 2).contiguous();
  }

  @Override
  public VisionEncoder.Tokens encode(Tensor pictures, SliceGrid slices) {
    EncoderStack.Output seen = tower.encode(pictures);
    return new VisionEncoder.Tokens(projector.project(seen.hidden()), seen.query(), seen.key());
  }

  @Override
  public AttentionMass.Pooling pooling(PatchPooling policy, SliceGrid slices) {
    int block = config.poolBlock();
    return policy == PatchPooling.CONTIGUOUS
        ? new AttentionMass.Contiguous((long) block * block)
        : new AttentionMass.Grid(slices.patchRows(), slices.patchColumns(), block, block);
  }

  @Override
  public long activationBytes(SliceGrid slices) {
    long side = config.vision().imageSize();
    return config
        .vision()
        .encoder()
        .activationBytes(slices.patches(), 3 * side * side, decoder().elementBytes());
  }
}
