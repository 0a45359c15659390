package org.medpruner.vlm;

import java.nio.file.Path;
import java.util.List;
import org.medpruner.PruningPolicy;
import org.medpruner.volume.SliceImages;

/**
 * A vision-language model that answers questions about a volume, pruning on the way.
 *
 * <p>A volume is encoded and pruned once ({@link #encode}); any number of questions may then be
 * asked of it. Weights stay mapped until {@link #close}, which is idempotent; use after close is an
 * {@link IllegalStateException}. One instance serves one call at a time: another one, from any
 * thread, is an {@link IllegalStateException} too and changes nothing. Callers that serve many
 * collect what waits and hand it over together. A failure of LibTorch's is a {@link
 * org.medpruner.MedPrunerException} with the one line that says what it was; its cause tells where.
 *
 * {@snippet :
 * List<EncodedVolume> volumes = model.encodeAll(studies, PruningPolicy.PAPER, Progress.NONE);
 * List<Request> requests =
 *     volumes.stream().map(v -> new Request(v, question, GenerationOptions.DEFAULT)).toList();
 * for (Reply reply : model.askAll(requests, Progress.NONE)) {
 *   System.out.println(reply.orThrow().text());
 * }
 * volumes.forEach(EncodedVolume::close);
 * }
 */
public interface VisionLanguageModel extends AutoCloseable {

  /**
   * Loads a Hugging Face checkpoint folder; the family comes from its {@code config.json}.
   *
   * @param folder with {@code config.json}, {@code tokenizer.json} and safetensors files
   * @param options device, compute type and memory of the encoder
   * @param progress receives "load", in tensors
   * @return an open model, the caller's to close
   * @throws org.medpruner.InputException if the folder cannot be used; the message names the file
   */
  static VisionLanguageModel load(Path folder, LoadOptions options, Progress progress) {
    return ModelLoader.load(folder, options, progress);
  }

  /** {@return what was loaded, and what it runs on} */
  ModelInfo info();

  /**
   * Anchors the slices, encodes the kept ones and prunes their tokens.
   *
   * @param slices 8-bit RGB pictures, which the model's own processor resizes and normalises
   * @param policy what is pruned and how
   * @param progress receives "anchor", "encode" and "prune"
   * @return the volume's tokens, the caller's to close
   * @throws IllegalArgumentException if there are no slices, or the policy needs their spacing and
   *     it is unknown
   * @throws org.medpruner.InputException if the model cannot take pictures of this size
   */
  EncodedVolume encode(SliceImages slices, PruningPolicy policy, Progress progress);

  /**
   * Looks whether {@link #encode} would take a volume, at no cost: to turn a bad one away before it
   * spoils a batch.
   *
   * @param slices that {@link #encode} is to be given
   * @param policy that {@link #encode} is to be given
   * @throws IllegalArgumentException if there are no slices, or the policy needs their spacing and
   *     it is unknown
   * @throws org.medpruner.InputException if the model cannot take pictures of this size
   */
  void check(SliceImages slices, PruningPolicy policy);

  /**
   * Encodes several volumes together; they may differ in their number of slices, the size of their
   * pictures, spacing and windowing. What is decided is decided for each volume by itself, as
   * {@link #encode} does, Hulu-Med's shared allowance of patches included; only work is shared.
   * Stage 1 is one call for all volumes whose processed pictures have one size, a batch of the
   * vision encoder may hold slices of several of these, stage 2 is one call for all.
   *
   * <p>Kept slices and distances are bit for bit those of {@link #encode}. The encoder's products
   * are LibTorch's, which may round a row differently in a batch of another size: features and
   * scores may differ in their last digits, and with them a token at the edge of the nucleus.
   *
   * <p>Of all volumes at once are held the processed 8-bit pictures, and the features of the
   * encoded slices, twice: with MedGemma 4B in BF16 up to 5 MB a slice, 430 MB for 85. The time of
   * a stage is divided among the volumes by their patches.
   *
   * @param volumes each as {@link #encode} takes it
   * @param policy what is pruned and how, for all of them
   * @param progress receives "anchor", "encode" and "prune"
   * @return one per volume, in their order; the caller closes each of them
   * @throws IllegalArgumentException as {@link #check}, naming the element ("volumes[2]: .."),
   *     before any work is done
   * @throws org.medpruner.InputException as {@link #check}, in the same way
   */
  List<EncodedVolume> encodeAll(List<SliceImages> volumes, PruningPolicy policy, Progress progress);

  /**
   * Answers questions one after the other, each as {@link #ask} does, to the bit. It is one call:
   * no other gets in between. A request that fails, for whatever reason, memory that is not there
   * included, does not keep the others from their answers; what {@code progress} throws ends the
   * whole call. Once the thread is interrupted, which ends the answer under way, those that are
   * left fail.
   *
   * <p>Each prompt is prefilled and decoded for itself: rows of different lengths would have to be
   * padded to one product, whose rounding depends on what else is in it, and an answer is to be
   * that of the same question asked alone.
   *
   * @param requests about volumes that this model encoded
   * @param progress receives "prefill" and "decode" of one request after the other
   * @return one per request, in their order
   * @throws IllegalArgumentException if a volume is of another model, naming the element
   *     ("requests[2]: .."), before any work is done
   */
  List<Reply> askAll(List<Request> requests, Progress progress);

  /**
   * Answers a question about an encoded volume and waits for the whole answer.
   *
   * @param volume encoded by this model; not closed
   * @param question goes into the family's chat template as it is, a blank one too, which a {@link
   *     Request} refuses
   * @param options how to answer it
   * @param progress receives "prefill" and "decode"
   * @return the answer, and what it cost
   * @throws org.medpruner.InputException if the prompt does not fit the model's context, or the
   *     question holds one of the template's control tokens
   * @throws NonFiniteLogitsException if the model gives no usable logits
   */
  default Answer ask(
      EncodedVolume volume, String question, GenerationOptions options, Progress progress) {
    return ask(volume, question, options, AnswerListener.NONE, progress);
  }

  /**
   * Answers a question about an encoded volume, and hands out the text while it is generated. An
   * interrupt of the thread ends the answer early, as the listener may.
   *
   * @param volume encoded by this model; not closed
   * @param question goes into the family's chat template as it is, a blank one too, which a {@link
   *     Request} refuses
   * @param options how to answer it
   * @param listener receives the answer's text while it is generated, and may end it
   * @param progress receives "prefill" and "decode"
   * @return the answer, and what it cost
   * @throws org.medpruner.InputException if the prompt does not fit the model's context, or the
   *     question holds one of the template's control tokens
   * @throws NonFiniteLogitsException if the model gives no usable logits
   */
  default Answer ask(
      EncodedVolume volume,
      String question,
      GenerationOptions options,
      AnswerListener listener,
      Progress progress) {
    try (Conversation conversation = converse(volume, options.layout())) {
      return conversation.ask(question, options, listener, progress);
    }
  }

  /**
   * Begins a conversation about an encoded volume. Its first question prefills the pruned prompt;
   * later ones only what is new, on the key-value cache of all before.
   *
   * @param volume must stay open for as long as the conversation
   * @param layout of the first question
   * @return a conversation without a turn, the caller's to close
   * @throws IllegalArgumentException if the volume is of another model
   */
  Conversation converse(EncodedVolume volume, PromptLayout layout);

  @Override
  void close();
}
