package org.medpruner.vlm.gemma;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.pruning.SliceStage;

/** Pictures that are normalised already: F32 [D, 3, side, side] on the model's device. */
final class FloatPixels implements PixelSource {
  private final Tensor pixels;
  private final ScalarType compute;

  /** Borrows {@code pixels}, which must be contiguous. */
  FloatPixels(Tensor pixels, ScalarType compute) {
    this.pixels = pixels;
    this.compute = compute;
  }

  @Override
  public int count() {
    return Math.toIntExact(pixels.size(0));
  }

  @Override
  public SliceStage.Result anchor(double gamma, long maxGap, Workspace workspace) {
    try (PointerScope scope = new PointerScope()) {
      return SliceStage.run(TorchTensors.view(pixels.flatten(1, 3)), gamma, 1, maxGap, workspace);
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
          return pixels.index_select(0, Ops.vector(rows, pixels)).to(compute);
        });
  }

  @Override
  public void close() {}
}
