package org.medpruner.vlm.hulu;

import org.bytedeco.pytorch.Tensor;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.nn.EncoderStack;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.Param;
import org.medpruner.vlm.nn.PatchGrid;
import org.medpruner.vlm.nn.VisionRotary;
import org.medpruner.vlm.nn.Weights;

/**
 * Hulu-Med's vision encoder: patches of any grid, told their place by a 2-D rotary embedding alone.
 * The patches of one slice attend to each other and to no other slice's, so slices are a batch.
 */
final class HuluVisionEncoder {
  private final Param patchWeight;
  private final Param patchBias;
  private final VisionRotary rotary;
  private final EncoderStack layers;
  private final int hiddenSize;

  HuluVisionEncoder(Weights weights, String prefix, HuluVisionConfig c) {
    hiddenSize = c.encoder().hiddenSize();
    String embedding = prefix + "embeddings.patch_embedding";
    patchWeight =
        weights.param(
            embedding + ".weight", hiddenSize, c.channels(), c.patchSize(), c.patchSize());
    patchBias = weights.param(embedding + ".bias", hiddenSize);
    rotary = new VisionRotary(c.encoder().headDim(), HuluVisionConfig.ROPE_THETA);
    layers = new EncoderStack(weights, prefix, c.encoder());
  }

  /**
   * Encodes slices.
   *
   * @param patches [B, T, channels * patchSize * patchSize] in the order of {@code grid}, in the
   *     compute type; not changed
   * @return hidden [B, T, hidden], query and key in the same order
   */
  EncoderStack.Output encode(Tensor patches, PatchGrid grid) {
    return layers.encode(embed(patches), rotary.table(grid, patches));
  }

  /** [B, T, hidden]; a convolution whose kernel is a whole patch is one product per patch. */
  Tensor embed(Tensor patches) {
    return TorchScope.run(
        () -> Ops.linear(patches, patchWeight.value().view(hiddenSize, -1), patchBias.value()));
  }
}
