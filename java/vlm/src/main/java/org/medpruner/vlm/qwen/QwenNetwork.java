package org.medpruner.vlm.qwen;

import java.nio.file.Path;
import java.util.List;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.StorageType;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.Weights;

/**
 * The two networks of a Qwen3-VL checkpoint with their weights. Holds no state between calls;
 * {@link #close} frees the weights.
 */
final class QwenNetwork implements AutoCloseable {
  // The Hub's layout first, then re-saved ones; parts may differ in one checkpoint.
  private static final List<String> TEXT_PREFIXES =
      List.of("model.language_model.", "language_model.model.", "language_model.", "model.");
  private static final List<String> VISION_PREFIXES =
      List.of("model.visual.", "visual.", "language_model.visual.");

  private final Weights weights;
  private final QwenVisionTower tower;
  private final Decoder text;

  private QwenNetwork(QwenConfig config, Weights weights) {
    this.weights = weights;
    text =
        new Decoder(
            weights,
            weights.prefix("embed_tokens.weight", TEXT_PREFIXES),
            config.text(),
            weights.head(config.head()),
            1);
    tower =
        new QwenVisionTower(
            weights, weights.prefix("patch_embed.proj.weight", VISION_PREFIXES), config.vision());
  }

  /**
   * Loads the networks of a folder.
   *
   * @throws org.medpruner.InputException if a file or tensor is missing or bad
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch, or CUDA, cannot be used
   */
  static QwenNetwork load(
      Path folder, QwenConfig config, LoadOptions options, long maxCachedBytes, Progress progress) {
    return Weights.load(
        folder, options, maxCachedBytes, progress, weights -> new QwenNetwork(config, weights));
  }

  /** The vision tower. */
  QwenVisionTower tower() {
    return tower;
  }

  /** The text model. */
  Decoder text() {
    return text;
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
