package org.medpruner.vlm.gemma;

import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.nn.Param;
import org.medpruner.vlm.nn.RmsNorm;
import org.medpruner.vlm.nn.Weights;

/** Gemma 3's projector: average pooling of patch blocks, RMS norm, one product. */
final class Projector {
  private final GemmaConfig config;
  private final RmsNorm norm;
  private final Param projection;

  Projector(Weights weights, String prefix, GemmaConfig config) {
    this.config = config;
    int in = config.vision().hiddenSize();
    norm =
        RmsNorm.load(
            weights, prefix + "mm_soft_emb_norm", in, config.vision().layerNormEps(), true);
    projection =
        weights.param(prefix + "mm_input_projection_weight", in, config.text().hiddenSize());
  }

  /**
   * Visual tokens of pictures.
   *
   * @param hidden [B, T, visionHidden], raster patches
   * @return [B, n, textHidden], raster tokens
   */
  Tensor project(Tensor hidden) {
    return TorchScope.run(
        () -> {
          long batch = hidden.size(0);
          long grid = config.vision().grid();
          long block = config.poolBlock();
          Tensor pooled =
              torch
                  .avg_pool2d(
                      hidden
                          .transpose(1, 2)
                          .reshape(batch, config.vision().hiddenSize(), grid, grid),
                      new long[] {block, block},
                      new long[] {block, block},
                      new long[] {0, 0},
                      false,
                      true,
                      new LongOptional())
                  .flatten(2, 3)
                  .transpose(1, 2);
          return norm.apply(pooled).matmul(projection.value());
        });
  }
}
