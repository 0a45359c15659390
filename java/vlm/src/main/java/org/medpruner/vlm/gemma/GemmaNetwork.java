package org.medpruner.vlm.gemma;

import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.StorageType;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.EncoderStack;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.Weights;

/**
 * The three networks of a Gemma 3 checkpoint with their weights. Holds no state between calls;
 * {@link #close} frees the weights.
 */
final class GemmaNetwork implements AutoCloseable {
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
  private final Weights weights;
  private final SiglipTower tower;
  private final Projector projector;
  private final Decoder text;

  private GemmaNetwork(GemmaConfig config, Weights weights) {
    this.config = config;
    this.weights = weights;
    String textPrefix = weights.prefix("embed_tokens.weight", TEXT_PREFIXES);
    text =
        new Decoder(
            weights,
            textPrefix,
            config.text(),
            weights.head(config.head()),
            scale(config, weights, textPrefix));
    tower =
        new SiglipTower(
            weights,
            weights.prefix("embeddings.patch_embedding.weight", VISION_PREFIXES),
            config.vision());
    projector =
        new Projector(
            weights, weights.prefix("mm_input_projection_weight", PROJECTOR_PREFIXES), config);
  }

  /**
   * Loads the networks of a folder.
   *
   * @throws org.medpruner.InputException if a file or tensor is missing or bad
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch, or CUDA, cannot be used
   */
  static GemmaNetwork load(
      Path folder,
      GemmaConfig config,
      LoadOptions options,
      long maxCachedBytes,
      Progress progress) {
    return Weights.load(
        folder, options, maxCachedBytes, progress, weights -> new GemmaNetwork(config, weights));
  }

  /** sqrt(hidden), rounded as the embedding is stored: 50.5 instead of 50.596 for MedGemma. */
  private static double scale(GemmaConfig config, Weights weights, String textPrefix) {
    int h = config.text().hiddenSize();
    StorageType stored =
        weights.storageType(textPrefix + "embed_tokens.weight", config.text().vocabSize(), h);
    return Ops.rounded(Math.sqrt(h), stored);
  }

  /** Vision tower, then projector, on normalised pixels [B, 3, side, side]. */
  EncoderStack.Output vision(Tensor pixels) {
    return tower.encode(pixels);
  }

  /** Visual tokens [B, n, hidden] of the tower's output [B, T, visionHidden]. */
  Tensor project(Tensor hidden) {
    return projector.project(hidden);
  }

  /** The text model. */
  Decoder text() {
    return text;
  }

  /** The configuration. */
  GemmaConfig config() {
    return config;
  }

  /** Number of weights. */
  long parameters() {
    return weights.parameters();
  }

  /** dtype of most weights in the files. */
  StorageType storageType() {
    return weights.storageType();
  }

  /** Whether the weights lie on CUDA. */
  boolean cuda() {
    return weights.cuda();
  }

  @Override
  public void close() {
    weights.close();
  }
}
