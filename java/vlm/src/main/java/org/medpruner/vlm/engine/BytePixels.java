package org.medpruner.vlm.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.pruning.SliceStage;
import org.medpruner.volume.PillowResize;
import org.medpruner.volume.SliceImages;

/** 8-bit RGB pictures, resized as the processor does; normalised batch by batch. */
public final class BytePixels implements PixelSource {
  private final PreprocessorConfig config;
  private final SliceGrid grid;
  private final UnaryOperator<Tensor> layout;
  private final ScalarType compute;
  private final Tensor pixels;

  private BytePixels(
      PreprocessorConfig config,
      SliceGrid grid,
      UnaryOperator<Tensor> layout,
      ScalarType compute,
      Tensor pixels) {
    this.config = config;
    this.grid = grid;
    this.layout = layout;
    this.compute = compute;
    this.pixels = pixels;
  }

  /**
   * Resizes pictures to the size the configuration says.
   *
   * @param layout turns normalised [B, height, width, 3] of any strides into what the encoder takes
   * @param cuda whether the pictures are to lie on CUDA device 0
   */
  public static BytePixels of(
      SliceImages images,
      PreprocessorConfig config,
      SliceGrid grid,
      UnaryOperator<Tensor> layout,
      ScalarType compute,
      boolean cuda,
      Progress progress) {
    long bytes = 3L * config.height() * config.width();
    Tensor pixels =
        TorchScope.run(
            () -> {
              Tensor host =
                  Ops.empty(
                      ScalarType.Byte, false, images.count(), config.height(), config.width(), 3);
              MemorySegment memory =
                  MemorySegment.ofAddress(host.data_ptr().address())
                      .reinterpret(images.count() * bytes);
              for (int i = 0; i < images.count(); i++) {
                byte[] picture =
                    PillowResize.resize(
                        images.pixels().get(i),
                        images.height(),
                        images.width(),
                        3,
                        config.height(),
                        config.width(),
                        filter(config.resample()));
                MemorySegment.copy(
                    picture, 0, memory, ValueLayout.JAVA_BYTE, i * bytes, picture.length);
                progress.update("anchor", i + 1L, images.count());
              }
              return cuda ? host.to(new Device("cuda:0"), ScalarType.Byte) : host;
            });
    return new BytePixels(config, grid, layout, compute, TorchScope.detach(pixels));
  }

  private static PillowResize.Filter filter(int resample) {
    return switch (resample) {
      case 0 -> PillowResize.Filter.NEAREST;
      case 2 -> PillowResize.Filter.BILINEAR;
      case 3 -> PillowResize.Filter.BICUBIC;
      default ->
          throw new IllegalStateException("resample " + resample + " was not refused at loading");
    };
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
      long height = pixels.size(1);
      long width = pixels.size(2);
      params =
          params.withPatches(
              patchGamma,
              SlicePatches.interleaved(
                  height, width, 3, height / grid.patchRows(), width / grid.patchColumns()));
    }
    try (PointerScope scope = new PointerScope()) {
      if (config.uniform()) {
        return SliceStage.run(
            TorchTensors.view(pixels.flatten(1, 3)),
            params.withScale(config.unitStep()),
            workspace);
      }
      Tensor normalised = normalise(pixels).flatten(1, 3);
      return SliceStage.run(TorchTensors.view(normalised), params, workspace);
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
          Tensor chosen = pixels.index_select(0, Ops.vector(rows, pixels));
          return layout.apply(normalise(chosen)).to(compute);
        });
  }

  /** F32 [.., 3]: one subtraction and one division, as transformers' fast processor. */
  private Tensor normalise(Tensor u8) {
    float[] mean = new float[3];
    float[] std = new float[3];
    for (int c = 0; c < 3; c++) {
      mean[c] = (float) (config.mean()[c] / config.rescale());
      std[c] = (float) (config.std()[c] / config.rescale());
    }
    Tensor m = torch.tensor(mean).to(u8.device(), ScalarType.Float);
    Tensor s = torch.tensor(std).to(u8.device(), ScalarType.Float);
    return u8.to(ScalarType.Float).sub_(m).div_(s);
  }

  @Override
  public void close() {
    pixels.close();
  }
}
