package org.medpruner.vlm;

import java.nio.file.Path;
import org.medpruner.PruningPolicy;
import org.medpruner.volume.SliceImages;

/**
 * A vision-language model that answers questions about a volume, pruning on the way.
 *
 * <p>A volume is encoded and pruned once ({@link #encode}); any number of questions may then be
 * asked of it. Weights stay mapped until {@link #close}, which is idempotent; use after close is an
 * {@link IllegalStateException}. One instance serves one call at a time.
 */
public interface VisionLanguageModel extends AutoCloseable {

  /**
   * Loads a Hugging Face checkpoint folder; the family comes from its {@code config.json}.
   *
   * @throws org.medpruner.InputException if the folder cannot be used; the message names the file
   */
  static VisionLanguageModel load(Path folder, LoadOptions options, Progress progress) {
    return ModelLoader.load(folder, options, progress);
  }

  /** What was loaded. */
  ModelInfo info();

  /**
   * Anchors the slices, encodes the kept ones and prunes their tokens.
   *
   * @throws IllegalArgumentException if there are no slices
   */
  EncodedVolume encode(SliceImages slices, PruningPolicy policy, Progress progress);

  /**
   * Answers a question about an encoded volume.
   *
   * @throws org.medpruner.InputException if the prompt does not fit the model's context
   */
  Answer ask(EncodedVolume volume, String question, GenerationOptions options, Progress progress);

  @Override
  void close();
}
