package org.medpruner.vlm.hulu;

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
import org.medpruner.vlm.engine.FloatPixels;
import org.medpruner.vlm.engine.LoadedFamily;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.Preparation;
import org.medpruner.vlm.engine.SliceGrid;
import org.medpruner.vlm.engine.SmartResize;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.EncoderStack;
import org.medpruner.vlm.nn.PatchGrid;
import org.medpruner.vlm.nn.Weights;
import org.medpruner.volume.SliceImages;

/**
 * Hulu-Med. A volume is one item of the prompt whatever its number of slices, with blocks of 2 x 2
 * patches to a token, and stage 1 runs on any number: the released code does so from six slices on
 * and sends fewer as separate pictures with a token for every patch, which its stage 1 passes over.
 */
public final class HuluFamily extends LoadedFamily {
  /** Side, in patches, of the block that makes one token of a volume's slice. */
  static final int VOLUME_MERGE = 2;

  private static final List<String> PREFIXES = List.of("model.", "");

  private final HuluConfig config;
  private final HuluProcessor processor;
  private final HuluVisionEncoder vision;
  private final HuluProjector projector;

  private HuluFamily(
      Path folder,
      HuluConfig config,
      HuluProcessor processor,
      GenerationConfig generation,
      Weights weights) {
    super(folder, config.architecture(), 0, 0, generation, weights, decoder(config, weights));
    this.config = config;
    this.processor = processor;
    String model = prefix(weights);
    vision = new HuluVisionEncoder(weights, model + "vision_encoder.", config.vision());
    projector = new HuluProjector(weights, model + "mm_projector", config);
  }

  private static Decoder decoder(HuluConfig config, Weights weights) {
    return new Decoder(weights, prefix(weights), config.text(), config.head(), 1);
  }

  private static String prefix(Weights weights) {
    return weights.prefix(Decoder.EMBEDDING, PREFIXES);
  }

  /**
   * Loads a checkpoint folder.
   *
   * @throws org.medpruner.InputException if the folder cannot be used; the message names the file
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch, or CUDA where it is asked for,
   *     cannot be used
   */
  public static HuluFamily load(Path folder, LoadOptions options, Progress progress) {
    HuluConfig config = HuluConfig.read(folder);
    HuluProcessor processor = HuluProcessor.read(folder, config.vision().patchSize());
    GenerationConfig generation = GenerationConfig.read(folder, config.stopTokens());
    return Weights.load(
        folder,
        options,
        Weights.MAX_CACHED_BYTES,
        progress,
        weights -> new HuluFamily(folder, config, processor, generation, weights));
  }

  /** The configuration. */
  HuluConfig config() {
    return config;
  }

  /** The vision encoder. */
  HuluVisionEncoder vision() {
    return vision;
  }

  @Override
  public double temperature() {
    return 1;
  }

  @Override
  public Positions positions() {
    return Positions.RENUMBERED;
  }

  @Override
  public boolean bidirectionalImages() {
    return false;
  }

  @Override
  public int visionHeadDim() {
    return config.vision().encoder().headDim();
  }

  @Override
  public int planes() {
    return 0;
  }

  /** The allowance of tokens is each volume's own, whatever else is encoded with it. */
  @Override
  public Preparation preparation(SliceImages images, Resizing resizing) {
    int height = images.height();
    int width = images.width();
    SmartResize.Size size =
        resizing == Resizing.REFERENCE
            ? processor.swappedTarget(height, width, images.count(), VOLUME_MERGE)
            : processor.target(height, width, images.count(), VOLUME_MERGE);
    PatchGrid grid =
        PatchGrid.of(size.height(), size.width(), config.vision().patchSize(), VOLUME_MERGE);
    return new Preparation(
        processor.values().withSize(size.height(), size.width()),
        SliceGrid.of(grid),
        p -> grid.patchVectors(p, 1));
  }

  @Override
  public PixelSource pixels(Tensor pictures) {
    return pixels(pictures, VOLUME_MERGE);
  }

  /** Normalised pictures [D, 3, height, width] with blocks of {@code merge} patches to a token. */
  PixelSource pixels(Tensor pictures, int merge) {
    int block = config.vision().patchSize() * merge;
    long height = pictures.size(2);
    long width = pictures.size(3);
    if (height % block != 0 || width % block != 0) {
      throw new IllegalArgumentException(
          "pixels of " + height + " x " + width + ", but both must be multiples of " + block);
    }
    PatchGrid grid =
        PatchGrid.of(
            Math.toIntExact(height), Math.toIntExact(width), config.vision().patchSize(), merge);
    return new FloatPixels(
        pictures, SliceGrid.of(grid), p -> grid.patchVectors(p, 1), decoder().compute());
  }

  @Override
  public VisionEncoder.Tokens encode(Tensor pictures, SliceGrid slices) {
    PatchGrid grid = slices.patchGrid();
    EncoderStack.Output seen = vision.encode(pictures, grid);
    return new VisionEncoder.Tokens(
        projector.project(seen.hidden(), grid), seen.query(), seen.key());
  }

  /** Patches lie block by block, so both policies mean the same. */
  @Override
  public AttentionMass.Pooling pooling(PatchPooling policy, SliceGrid slices) {
    long merge = slices.patchGrid().merge();
    return new AttentionMass.Contiguous(merge * merge);
  }

  @Override
  public long activationBytes(SliceGrid slices) {
    long side = config.vision().patchSize();
    return config
        .vision()
        .encoder()
        .activationBytes(
            slices.patches(),
            side * side * config.vision().channels() * slices.patches(),
            decoder().elementBytes());
  }
}
