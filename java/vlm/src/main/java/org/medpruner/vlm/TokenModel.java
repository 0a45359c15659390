package org.medpruner.vlm;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.SliceImages;

/**
 * A model without its text side, for those who bring their own pixels and token ids; needs no
 * tokenizer. As {@link VisionLanguageModel}, one call at a time, and with its exceptions.
 */
public interface TokenModel extends AutoCloseable {

  /**
   * Loads the networks of a checkpoint folder.
   *
   * @param folder of a Hugging Face checkpoint, with {@code config.json} and safetensors files
   * @param options device, compute type and memory of the encoder
   * @param progress receives "load", in tensors
   * @return an open model, the caller's to close; weights stay mapped until then
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

    /** {@return whether a stop id ended it, and not the length or an interrupt} */
    public boolean stopped() {
      return ending == Ending.STOP_TOKEN;
    }
  }

  /** {@return what was loaded, and what it runs on} */
  ModelInfo info();

  /**
   * Anchors, encodes and prunes 8-bit pictures, resized as the family's processor does.
   *
   * @param slices the pictures of a volume
   * @param policy what is pruned and how
   * @param progress receives "anchor", "encode" and "prune"
   * @return the volume's tokens, the caller's to close
   * @throws IllegalArgumentException if there are no slices, or the policy needs their spacing and
   *     it is unknown
   * @throws org.medpruner.InputException if the model cannot take pictures of this size
   */
  EncodedVolume encode(SliceImages slices, PruningPolicy policy, Progress progress);

  /**
   * Anchors, encodes and prunes normalised pictures.
   *
   * @param pixels F32 [slices, 3, height, width] in native memory, compact; needed during the call
   *     only
   * @param slices number of pictures, at least 1
   * @param height rows of a picture; one the model's vision encoder takes
   * @param width columns of a picture
   * @param spacingMm distance of neighbouring slices, NaN when unknown
   * @param policy what is pruned and how
   * @param progress receives "anchor", "encode" and "prune"
   * @return the volume's tokens, the caller's to close
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
   * Prunes a prompt and answers it greedily. An interrupt of the thread ends the answer early.
   *
   * @param volume encoded by this model; not closed
   * @param prompt the full prompt of all slices
   * @param maxNewTokens at least 1; 0 means the checkpoint's own, or 300
   * @param stopOnEnd whether the checkpoint's stop ids end the answer
   * @param progress receives "prefill" and "decode"
   * @return the generated ids, and what they cost
   * @throws IllegalArgumentException if the volume is of another model, or the length negative
   * @throws NonFiniteLogitsException if the model gives no usable logits
   * @throws org.medpruner.InputException if the pruned prompt does not fit the model's context, or
   *     has text beyond its vocabulary
   */
  default Generation generate(
      EncodedVolume volume, Prompt prompt, int maxNewTokens, boolean stopOnEnd, Progress progress) {
    return generate(volume, prompt, maxNewTokens, stopOnEnd, Sampling.GREEDY, progress);
  }

  /**
   * Prunes a prompt and answers it. An interrupt of the thread ends the answer early.
   *
   * @param volume encoded by this model; not closed
   * @param prompt the full prompt of all slices
   * @param maxNewTokens at least 1; 0 means the checkpoint's own, or 300
   * @param stopOnEnd whether the checkpoint's stop ids end the answer
   * @param sampling how tokens are picked
   * @param progress receives "prefill" and "decode"
   * @return the generated ids, and what they cost
   * @throws IllegalArgumentException if the volume is of another model, or the length negative
   * @throws org.medpruner.InputException if the pruned prompt does not fit the model's context, or
   *     has text beyond its vocabulary
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
