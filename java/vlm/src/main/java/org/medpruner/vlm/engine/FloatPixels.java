package org.medpruner.vlm.engine;

import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.pruning.SliceStage;

/** Pictures that are normalised already: F32 [D, 3, height, width] on the model's device. */
public final class FloatPixels implements PixelSource {
  private final Tensor pixels;
  private final SliceGrid grid;
  private final UnaryOperator<Tensor> layout;
  private final ScalarType compute;

  /**
   * Borrows {@code pixels}, which must be contiguous.
   *
   * @param layout turns [B, height, width, 3] of any strides into what the encoder takes
   */
  public FloatPixels(
      Tensor pixels, SliceGrid grid, UnaryOperator<Tensor> layout, ScalarType compute) {
    this.pixels = pixels;
    this.grid = grid;
    this.layout = layout;
    this.compute = compute;
  }

  @Override
  public int count() {
    return Math.toIntExact(pixels.size(0));
  }

  @Override
  public SliceGrid grid() {
    return grid;
  }

  @Override
  public SliceStage.Result anchor(
      double gamma, long maxGap, double patchGamma, Workspace workspace) {
    SliceAnchor.Params params = SliceAnchor.Params.of(gamma).withMaxGap(maxGap);
    if (patchGamma > 0) {
      long height = pixels.size(2);
      long width = pixels.size(3);
      params =
          params.withPatches(
              patchGamma,
              SlicePatches.planar(
                  pixels.size(1),
                  height,
                  width,
                  height / grid.patchRows(),
                  width / grid.patchColumns()));
    }
    try (PointerScope scope = new PointerScope()) {
      return SliceStage.run(TorchTensors.view(pixels.flatten(1, 3)), params, workspace);
    }
  }

  @Override
  public Tensor pictures(int[] slices) {
    return TorchScope.run(
        () -> {
          long[] rows = new long[slices.length];
          for (int i = 0; i < rows.length; i++) {
            rows[i] = slices[i];
          }
          return layout
              .apply(pixels.index_select(0, Ops.vector(rows, pixels)).permute(0, 2, 3, 1))
              .to(compute);
        });
  }

  @Override
  public void close() {}
}
