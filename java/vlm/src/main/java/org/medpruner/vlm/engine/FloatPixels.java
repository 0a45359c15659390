package org.medpruner.vlm.engine;

import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.pruning.SliceStage;

/** Pictures that are normalised already: F32 [D, 3, height, width] on the model's device. */
public final class FloatPixels extends TensorPixels {
  /**
   * Borrows {@code pixels}, which must be contiguous.
   *
   * @param layout turns [B, height, width, 3] of any strides into what the encoder takes
   */
  public FloatPixels(
      Tensor pixels, SliceGrid grid, UnaryOperator<Tensor> layout, ScalarType compute) {
    super(pixels, grid, layout, compute);
  }

  @Override
  List<SliceStage.Result> anchor(
      Tensor chosen, long[] offsets, SliceAnchor.Params params, Workspace workspace) {
    return SliceStage.run(TorchTensors.view(chosen.flatten(1, 3)), offsets, params, workspace);
  }

  @Override
  SlicePatches patches() {
    return SlicePatches.planar(
        pixels().size(1),
        grid().seenHeight(),
        grid().seenWidth(),
        grid().patchSize(),
        grid().patchSize());
  }

  @Override
  Tensor seen(Tensor chosen) {
    return chosen.narrow(2, 0, grid().seenHeight()).narrow(3, 0, grid().seenWidth()).contiguous();
  }

  @Override
  Tensor interleaved(Tensor chosen) {
    return chosen.permute(0, 2, 3, 1);
  }

  @Override
  public void close() {}
}
