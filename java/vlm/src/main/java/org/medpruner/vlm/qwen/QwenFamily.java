package org.medpruner.vlm.qwen;

import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.AttentionMass;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy.PatchPooling;
import org.medpruner.PruningPolicy.Positions;
import org.medpruner.PruningPolicy.Resizing;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.GenerationConfig;
import org.medpruner.vlm.engine.FloatPixels;
import org.medpruner.vlm.engine.LoadedFamily;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.Preparation;
import org.medpruner.vlm.engine.PromptPositions;
import org.medpruner.vlm.engine.SliceGrid;
import org.medpruner.vlm.engine.SmartResize;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.PatchGrid;
import org.medpruner.vlm.nn.Weights;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.PillowResize;
import org.medpruner.volume.SliceImages;

/**
 * Qwen3-VL, the dense models: a vision tower on pictures of any size, a Qwen3 decoder with
 * three-axis positions and DeepStack planes. All slices of a volume have one size.
 */
public final class QwenFamily extends LoadedFamily {
  // The Hub's layout first, then re-saved ones; parts may differ in one checkpoint.
  private static final List<String> TEXT_PREFIXES =
      List.of("model.language_model.", "language_model.model.", "language_model.", "model.");
  private static final List<String> VISION_PREFIXES =
      List.of("model.visual.", "visual.", "language_model.visual.");

  private final QwenConfig config;
  private final QwenPreprocessor preprocessor;
  private final QwenVisionTower tower;

  private QwenFamily(
      Path folder,
      QwenConfig config,
      QwenPreprocessor preprocessor,
      GenerationConfig generation,
      Weights weights) {
    super(folder, QwenConfig.ARCHITECTURE, 0, 0, generation, weights, decoder(config, weights));
    this.config = config;
    this.preprocessor = preprocessor;
    tower =
        new QwenVisionTower(
            weights, weights.prefix("patch_embed.proj.weight", VISION_PREFIXES), config.vision());
  }

  private static Decoder decoder(QwenConfig config, Weights weights) {
    String prefix = weights.prefix(Decoder.EMBEDDING, TEXT_PREFIXES);
    return new Decoder(weights, prefix, config.text(), config.head(), 1);
  }

  /**
   * Loads a checkpoint folder.
   *
   * @throws InputException if the folder cannot be used; the message names the file
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch, or CUDA where it is asked for,
   *     cannot be used
   */
  public static QwenFamily load(Path folder, LoadOptions options, Progress progress) {
    QwenConfig config = QwenConfig.read(folder);
    QwenPreprocessor preprocessor = QwenPreprocessor.read(folder, config.vision());
    GenerationConfig generation = GenerationConfig.read(folder, config.stopTokens());
    return Weights.load(
        folder,
        options,
        Weights.MAX_CACHED_BYTES,
        progress,
        weights -> new QwenFamily(folder, config, preprocessor, generation, weights));
  }

  /** The configuration. */
  QwenConfig config() {
    return config;
  }

  /** The vision tower. */
  QwenVisionTower tower() {
    return tower;
  }

  @Override
  public double temperature() {
    return 2;
  }

  @Override
  public Positions positions() {
    return Positions.ORIGINAL;
  }

  @Override
  public boolean bidirectionalImages() {
    return false;
  }

  @Override
  public int visionHeadDim() {
    return config.vision().headDim();
  }

  @Override
  public int planes() {
    return config.vision().deepStack().size();
  }

  /** The released code resizes twice, first bicubically, whatever the checkpoint says. */
  @Override
  public Preparation preparation(SliceImages images, Resizing resizing) {
    boolean twice = resizing == Resizing.REFERENCE;
    SmartResize.Size seen = new SmartResize.Size(images.height(), images.width());
    if (twice) {
      seen = size(QwenPreprocessor.FIRST, seen);
    }
    SmartResize.Size size = size(preprocessor.size(), seen);
    PatchGrid grid = grid(size.height(), size.width());
    return new Preparation(
        twice ? QwenFamily::resized : UnaryOperator.identity(),
        preprocessor.values().withSize(size.height(), size.width()),
        SliceGrid.of(grid),
        pictures -> grid.patchVectors(pictures, config.vision().temporalPatchSize()));
  }

  private static SliceImages resized(SliceImages images) {
    SmartResize.Size size =
        size(QwenPreprocessor.FIRST, new SmartResize.Size(images.height(), images.width()));
    return PillowResize.resize(images, size.height(), size.width(), PillowResize.Filter.BICUBIC);
  }

  private static SmartResize.Size size(SmartResize rule, SmartResize.Size size) {
    try {
      return rule.of(size.height(), size.width());
    } catch (IllegalArgumentException e) {
      throw new InputException(String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public PixelSource pixels(Tensor pictures) {
    PatchGrid grid = grid(Math.toIntExact(pictures.size(2)), Math.toIntExact(pictures.size(3)));
    return new FloatPixels(
        pictures,
        SliceGrid.of(grid),
        p -> grid.patchVectors(p, config.vision().temporalPatchSize()),
        decoder().compute());
  }

  private PatchGrid grid(int height, int width) {
    return PatchGrid.of(height, width, config.vision().patchSize(), config.vision().mergeSize());
  }

  @Override
  public VisionEncoder.Tokens encode(Tensor pictures, SliceGrid slices) {
    QwenVisionTower.Output seen = tower.encode(pictures, slices.patchGrid());
    return new VisionEncoder.Tokens(seen.features(), seen.planes(), seen.query(), seen.key());
  }

  /** Patches lie block after block, so that both poolings are one. */
  @Override
  public AttentionMass.Pooling pooling(PatchPooling policy, SliceGrid slices) {
    return new AttentionMass.Contiguous(config.vision().patchesPerToken());
  }

  @Override
  public long activationBytes(SliceGrid slices) {
    return QwenVisionTower.activationBytes(
        config.vision(), slices.patches(), decoder().elementBytes());
  }

  @Override
  public PromptPositions positions(Prompt prompt, SliceGrid slices) {
    return QwenPositions.of(prompt, slices);
  }
}
