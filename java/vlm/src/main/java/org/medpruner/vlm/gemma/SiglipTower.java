package org.medpruner.vlm.gemma;

import org.bytedeco.pytorch.Tensor;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.nn.EncoderStack;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.Param;
import org.medpruner.vlm.nn.Weights;

/**
 * SigLIP's vision tower: patch embedding with learned positions, pre-norm encoder layers, a final
 * layer norm. Patches are in raster order.
 */
final class SiglipTower {
  private final SiglipConfig config;
  private final Param patchWeight;
  private final Param patchBias;
  private final Param positions;
  private final EncoderStack layers;

  SiglipTower(Weights weights, String prefix, SiglipConfig c) {
    config = c;
    int h = c.hiddenSize();
    String embeddings = prefix + "embeddings.";
    patchWeight =
        weights.param(
            embeddings + "patch_embedding.weight", h, c.channels(), c.patchSize(), c.patchSize());
    patchBias = weights.param(embeddings + "patch_embedding.bias", h);
    positions = weights.param(embeddings + "position_embedding.weight", c.patches(), h);
    layers = new EncoderStack(weights, prefix, c.encoder());
  }

  /**
   * Encodes pictures.
   *
   * @param pixels normalised, [B, 3, imageSize, imageSize], in the compute type
   * @return temporaries of the caller's scope
   */
  EncoderStack.Output encode(Tensor pixels) {
    return layers.encode(TorchScope.run(() -> embed(pixels)), null);
  }

  private Tensor embed(Tensor pixels) {
    return Ops.patches(pixels, patchWeight.value(), patchBias.value(), config.patchSize())
        .add(positions.value());
  }
}
