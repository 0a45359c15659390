package org.medpruner.vlm.gemma;

import java.nio.file.Path;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.AttentionMass;
import org.medpruner.PruningPolicy.PatchPooling;
import org.medpruner.PruningPolicy.Positions;
import org.medpruner.PruningPolicy.Resizing;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.GenerationConfig;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.engine.FloatPixels;
import org.medpruner.vlm.engine.ModelFamily;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.Preparation;
import org.medpruner.vlm.engine.SliceGrid;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.EncoderStack;
import org.medpruner.vlm.nn.Weights;
import org.medpruner.volume.SliceImages;

/** Gemma 3 and MedGemma: a SigLIP tower on square pictures of one size, a Gemma 3 decoder. */
public final class GemmaFamily implements ModelFamily {
  private final GemmaConfig config;
  private final PreprocessorConfig preprocessor;
  private final GenerationConfig generation;
  private final GemmaNetwork network;
  private final SliceGrid grid;
  private final ModelInfo info;

  private GemmaFamily(
      Path folder,
      GemmaConfig config,
      PreprocessorConfig preprocessor,
      GenerationConfig generation,
      GemmaNetwork network) {
    this.config = config;
    this.preprocessor = preprocessor;
    this.generation = generation;
    this.network = network;
    this.grid =
        new SliceGrid(
            config.vision().grid(), config.vision().grid(), config.tokenGrid(), config.tokenGrid());
    this.info =
        new ModelInfo(
            folder.toString(),
            config.architecture(),
            network.parameters(),
            network.storageType().name(),
            network.text().computeName(),
            network.cuda() ? "cuda:0" : "cpu",
            config.vision().imageSize(),
            config.tokensPerImage(),
            config.text().contextLength());
  }

  /**
   * Loads a checkpoint folder.
   *
   * @throws org.medpruner.InputException if the folder cannot be used; the message names the file
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch, or CUDA where it is asked for,
   *     cannot be used
   */
  public static GemmaFamily load(Path folder, LoadOptions options, Progress progress) {
    GemmaConfig config = GemmaConfig.read(folder);
    PreprocessorConfig preprocessor = PreprocessorConfig.read(folder, config.vision().imageSize());
    GenerationConfig generation = GenerationConfig.read(folder, config.stopTokens());
    return new GemmaFamily(
        folder,
        config,
        preprocessor,
        generation,
        GemmaNetwork.load(folder, config, options, Weights.MAX_CACHED_BYTES, progress));
  }

  /** The configuration. */
  GemmaConfig config() {
    return config;
  }

  /** The networks themselves. */
  GemmaNetwork network() {
    return network;
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public Decoder decoder() {
    return network.text();
  }

  @Override
  public GenerationConfig generation() {
    return generation;
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
    return new FloatPixels(pictures, grid, GemmaFamily::planar, network.text().compute());
  }

  /** [B, height, width, 3] as the convolution takes it. */
  private static Tensor planar(Tensor pictures) {
    return pictures.permute(0, 3, 1, 2).contiguous();
  }

  @Override
  public VisionEncoder.Tokens encode(Tensor pictures, SliceGrid slices) {
    EncoderStack.Output seen = network.vision(pictures);
    return new VisionEncoder.Tokens(network.project(seen.hidden()), seen.query(), seen.key());
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
        .activationBytes(slices.patches(), 3 * side * side, network.text().elementBytes());
  }

  @Override
  public void close() {
    network.close();
  }
}
