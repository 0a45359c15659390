package org.medpruner.vlm.hulu;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.Linear;
import org.medpruner.vlm.nn.PatchGrid;
import org.medpruner.vlm.nn.Weights;

/**
 * From patches to the language model's tokens: bilinear down-sampling of the patch grid by the
 * merge, then linear layers with GELU between them.
 */
final class HuluProjector {
  private final List<Linear> layers = new ArrayList<>();

  HuluProjector(Weights weights, String name, HuluConfig config) {
    int in = config.vision().encoder().hiddenSize();
    int out = config.text().hiddenSize();
    if (config.projectorLayers() == 0) {
      layers.add(Linear.load(weights, name, out, in, true));
    }
    // Every other entry of the checkpoint's module list is an activation without weights.
    for (int i = 0; i < config.projectorLayers(); i++) {
      layers.add(Linear.load(weights, name + ".readout." + 2 * i, out, i == 0 ? in : out, true));
    }
  }

  /**
   * Visual tokens of slices.
   *
   * @param hidden [B, T, visionHidden] in the order of {@code grid}
   * @return [B, n, textHidden], tokens in raster order; a temporary of the caller's scope
   */
  Tensor project(Tensor hidden, PatchGrid grid) {
    return TorchScope.run(
        () -> {
          Tensor x = downsample(hidden, grid);
          for (int i = 0; i < layers.size(); i++) {
            x = layers.get(i).apply(i == 0 ? x : Activation.GELU.apply(x));
          }
          return x;
        });
  }

  /**
   * The mean of the patches around each token's centre: the middle patch where the merge is odd,
   * the middle 2 x 2 where it is even.
   *
   * @return [B, n, visionHidden], a temporary of the caller's scope
   */
  static Tensor downsample(Tensor hidden, PatchGrid grid) {
    if (grid.merge() == 1) {
      return hidden;
    }
    return TorchScope.run(
        () -> {
          long batch = hidden.size(0);
          long width = hidden.size(2);
          long merge = grid.merge();
          Tensor raster =
              hidden
                  .view(batch, grid.blocksHigh(), grid.blocksWide(), merge, merge, width)
                  .permute(0, 5, 1, 3, 2, 4)
                  .reshape(batch, width, grid.height(), grid.width());
          return torch
              .upsample_bilinear2d(
                  raster,
                  new long[] {grid.blocksHigh(), grid.blocksWide()},
                  false,
                  new DoubleOptional(),
                  new DoubleOptional())
              .flatten(2, 3)
              .transpose(1, 2);
        });
  }
}
