package org.medpruner.vlm;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.vlm.prompt.Prompt;

/**
 * A model without its text side, for those who bring their own pixels and token ids; needs no
 * tokenizer. As {@link VisionLanguageModel}, one call at a time.
 */
public interface TokenModel extends AutoCloseable {

  /**
   * Loads the networks of a checkpoint folder.
   *
   * @throws org.medpruner.InputException if the folder cannot be used; the message names the file
   */
  static TokenModel load(Path folder, LoadOptions options, Progress progress) {
    return ModelLoader.loadTokenModel(folder, options, progress);
  }

  /**
   * What was generated.
   *
   * @param tokenIds generated ids, the stop id included
   * @param promptTokens tokens prefilled
   * @param kvBytes bytes of key-value cache held after prefill
   * @param ending what ended it
   * @param report the volume's report with savings, and timings "prefill" and "decode" added
   */
  record Generation(
      List<Integer> tokenIds, int promptTokens, long kvBytes, Ending ending, PruningReport report) {
    /** Copies the ids. */
    public Generation {
      tokenIds = List.copyOf(tokenIds);
    }

    /** Whether a stop id ended it, and not the length. */
    public boolean stopped() {
      return ending == Ending.STOP_TOKEN;
    }
  }

  /** What was loaded. */
  ModelInfo info();

  /**
   * Anchors, encodes and prunes normalised pictures.
   *
   * @param pixels F32 [slices, 3, height, width] in native memory, compact; needed during the call
   *     only
   * @param height rows of a picture; one the model's vision encoder takes
   * @param width columns of a picture
   * @param spacingMm distance of neighbouring slices, NaN when unknown
   * @throws IllegalArgumentException if there are no slices, {@code pixels} has another size, or
   *     the model cannot take pictures of this one
   */
  EncodedVolume encode(
      MemorySegment pixels,
      int slices,
      int height,
      int width,
      double spacingMm,
      PruningPolicy policy,
      Progress progress);

  /**
   * Prunes a prompt and answers it greedily.
   *
   * @param prompt the full prompt of all slices
   * @param maxNewTokens at least 1; 0 means the checkpoint's own, or 300
   * @param stopOnEnd whether the checkpoint's stop ids end the answer
   * @throws org.medpruner.InputException if the pruned prompt does not fit the model's context
   */
  default Generation generate(
      EncodedVolume volume, Prompt prompt, int maxNewTokens, boolean stopOnEnd, Progress progress) {
    return generate(volume, prompt, maxNewTokens, stopOnEnd, Sampling.GREEDY, progress);
  }

  /**
   * Prunes a prompt and answers it. An interrupt of the thread ends the answer early.
   *
   * @param prompt the full prompt of all slices
   * @param maxNewTokens at least 1; 0 means the checkpoint's own, or 300
   * @param stopOnEnd whether the checkpoint's stop ids end the answer
   * @param sampling how tokens are picked
   * @throws org.medpruner.InputException if the pruned prompt does not fit the model's context
   * @throws NonFiniteLogitsException if the model gives no usable logits
   */
  Generation generate(
      EncodedVolume volume,
      Prompt prompt,
      int maxNewTokens,
      boolean stopOnEnd,
      Sampling sampling,
      Progress progress);

  @Override
  void close();
}
