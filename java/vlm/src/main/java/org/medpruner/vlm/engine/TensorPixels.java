package org.medpruner.vlm.engine;

import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.pruning.SliceStage;

/** Pictures that lie one after the other in a tensor [D, ..]. */
abstract class TensorPixels implements PixelSource {
  private final Tensor pixels;
  private final SliceGrid grid;
  private final UnaryOperator<Tensor> layout;
  private final ScalarType compute;

  /**
   * Pictures.
   *
   * @param layout turns [B, height, width, 3] of any strides into what the encoder takes
   * @param compute type the encoder takes
   */
  TensorPixels(Tensor pixels, SliceGrid grid, UnaryOperator<Tensor> layout, ScalarType compute) {
    this.pixels = pixels;
    this.grid = grid;
    this.layout = layout;
    this.compute = compute;
  }

  /** The tensor itself. */
  final Tensor pixels() {
    return pixels;
  }

  @Override
  public final int count() {
    return Math.toIntExact(pixels.size(0));
  }

  @Override
  public final SliceGrid grid() {
    return grid;
  }

  @Override
  public final List<SliceStage.Result> anchor(
      double gamma, long maxGap, double patchGamma, long[] bounds, Workspace workspace) {
    boolean guarded = patchGamma > 0;
    SliceAnchor.Params params = SliceAnchor.Params.of(gamma).withMaxGap(maxGap);
    if (guarded) {
      params = params.withPatches(patchGamma, patches());
    }
    long first = bounds[0];
    long[] offsets = Arrays.stream(bounds).map(b -> b - first).toArray();
    try (PointerScope scope = new PointerScope()) {
      Tensor chosen = pixels.narrow(0, first, offsets[offsets.length - 1]);
      return anchor(guarded ? seen(chosen) : chosen, offsets, params, workspace);
    }
  }

  /** Anchors pictures of the tensor. */
  abstract List<SliceStage.Result> anchor(
      Tensor chosen, long[] offsets, SliceAnchor.Params params, Workspace workspace);

  /** Where the patches of {@link #grid} are in a picture of {@link #seen}. */
  abstract SlicePatches patches();

  /**
   * Pictures of the tensor without the rest at the right and bottom that is no whole patch,
   * contiguous; the same memory where there is no rest.
   */
  abstract Tensor seen(Tensor chosen);

  @Override
  public final Tensor pictures(int[] slices) {
    return TorchScope.run(
        () -> {
          long[] rows = Arrays.stream(slices).asLongStream().toArray();
          Tensor chosen = pixels.index_select(0, Ops.vector(rows, pixels));
          return layout.apply(interleaved(chosen)).to(compute);
        });
  }

  /** Pictures of the tensor as normalised F32 [B, height, width, 3] of any strides. */
  abstract Tensor interleaved(Tensor chosen);
}
