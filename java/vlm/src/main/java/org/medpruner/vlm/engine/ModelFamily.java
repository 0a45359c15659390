package org.medpruner.vlm.engine;

import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.AttentionMass;
import org.medpruner.PruningPolicy.PatchPooling;
import org.medpruner.PruningPolicy.Positions;
import org.medpruner.PruningPolicy.Resizing;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.GenerationConfig;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.SliceImages;

/**
 * What a model family brings to the {@link Pipeline}: its networks and the rules that differ. Holds
 * no state of a request. One call at a time; {@link #close} frees the weights.
 */
public interface ModelFamily extends AutoCloseable {
  /** What was loaded. */
  ModelInfo info();

  /** The language model. */
  Decoder decoder();

  /** When an answer ends. */
  GenerationConfig generation();

  /** Softmax temperature of the family's released pruning code. */
  double temperature();

  /** What {@link Positions#MODEL} means: {@code ORIGINAL} or {@code RENUMBERED}. */
  Positions positions();

  /** Whether image tokens of one slice attend to each other in both directions. */
  boolean bidirectionalImages();

  /** Width of the vision encoder's attention heads. */
  int visionHeadDim();

  /** Planes of {@link VisionEncoder.Tokens#planes}. */
  int planes();

  /**
   * How the 8-bit pictures of a volume are prepared.
   *
   * @throws org.medpruner.InputException if the encoder cannot take pictures of this size
   */
  Preparation preparation(SliceImages images, Resizing resizing);

  /**
   * 8-bit pictures of volumes, resized.
   *
   * @param how the {@link #preparation} of each of them
   */
  default PixelSource pixels(List<SliceImages> volumes, Preparation how, Progress progress) {
    return BytePixels.of(volumes, how, decoder().compute(), decoder().cuda(), progress);
  }

  /**
   * Pictures that are resized and normalised already.
   *
   * @param pictures F32 [D, 3, height, width] on the model's device, contiguous; borrowed
   * @throws IllegalArgumentException if the encoder cannot take pictures of this size
   */
  PixelSource pixels(Tensor pictures);

  /**
   * Visual tokens of pictures; temporaries of the caller's scope.
   *
   * @param pictures as {@link PixelSource#pictures} gives them
   */
  VisionEncoder.Tokens encode(Tensor pictures, SliceGrid grid);

  /** The encoder on the pictures of a source. */
  default VisionEncoder vision(PixelSource pixels) {
    return slices -> encode(pixels.pictures(slices), pixels.grid());
  }

  /** Which patches make a token. */
  AttentionMass.Pooling pooling(PatchPooling policy, SliceGrid grid);

  /** Bytes of encoder activations per slice, for sizing batches. */
  long activationBytes(SliceGrid grid);

  /** Positions of a full prompt. */
  default PromptPositions positions(Prompt prompt, SliceGrid grid) {
    return PromptPositions.counting(1, prompt.length());
  }

  @Override
  void close();
}
