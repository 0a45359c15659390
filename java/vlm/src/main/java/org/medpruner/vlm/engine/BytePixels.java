package org.medpruner.vlm.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
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
public final class BytePixels extends TensorPixels {
  private final PreprocessorConfig config;

  private BytePixels(Preparation how, ScalarType compute, Tensor pixels) {
    super(pixels, how.grid(), how.layout(), compute);
    this.config = how.values();
  }

  /**
   * Resizes the pictures of volumes.
   *
   * @param volumes of any sizes
   * @param how for each of them
   * @param cuda whether the pictures are to lie on CUDA device 0
   */
  public static BytePixels of(
      List<SliceImages> volumes,
      Preparation how,
      ScalarType compute,
      boolean cuda,
      Progress progress) {
    int height = how.values().height();
    int width = how.values().width();
    int count = volumes.stream().mapToInt(SliceImages::count).sum();
    Tensor pixels =
        TorchScope.run(
            () -> {
              Tensor host = Ops.empty(ScalarType.Byte, false, count, height, width, 3);
              long bytes = 3L * height * width;
              MemorySegment memory =
                  MemorySegment.ofAddress(host.data_ptr().address()).reinterpret(count * bytes);
              int done = 0;
              for (SliceImages volume : volumes) {
                SliceImages images = how.first().apply(volume);
                for (byte[] picture : images.pixels()) {
                  byte[] resized =
                      PillowResize.resize(
                          picture,
                          images.height(),
                          images.width(),
                          3,
                          height,
                          width,
                          filter(how.values().resample()));
                  MemorySegment.copy(
                      resized, 0, memory, ValueLayout.JAVA_BYTE, done * bytes, resized.length);
                  progress.update(Progress.ANCHOR, ++done, count);
                }
              }
              return cuda ? host.to(new Device("cuda:0"), ScalarType.Byte) : host;
            });
    return new BytePixels(how, compute, TorchScope.detach(pixels));
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

  /**
   * Bytes are compared as they are where the channels are normalised alike, which only scales the
   * distance. Else each volume is normalised for itself: the F32 copy is four times as large, and
   * there is to be one at a time.
   */
  @Override
  List<SliceStage.Result> anchor(
      Tensor chosen, long[] offsets, SliceAnchor.Params params, Workspace workspace) {
    if (config.uniform()) {
      return SliceStage.run(
          TorchTensors.view(chosen.flatten(1, 3)),
          offsets,
          params.withScale(config.unitStep()),
          workspace);
    }
    List<SliceStage.Result> results = new ArrayList<>();
    for (int v = 0; v + 1 < offsets.length; v++) {
      long count = offsets[v + 1] - offsets[v];
      try (PointerScope scope = new PointerScope()) {
        Tensor normalised = interleaved(chosen.narrow(0, offsets[v], count)).flatten(1, 3);
        results.addAll(
            SliceStage.run(
                TorchTensors.view(normalised), new long[] {0, count}, params, workspace));
      }
    }
    return results;
  }

  @Override
  SlicePatches patches() {
    return SlicePatches.interleaved(
        grid().seenHeight(), grid().seenWidth(), 3, grid().patchSize(), grid().patchSize());
  }

  @Override
  Tensor seen(Tensor chosen) {
    return chosen.narrow(1, 0, grid().seenHeight()).narrow(2, 0, grid().seenWidth()).contiguous();
  }

  /** One subtraction and one division, as transformers' fast processor. */
  @Override
  Tensor interleaved(Tensor chosen) {
    float[] mean = new float[3];
    float[] std = new float[3];
    for (int c = 0; c < 3; c++) {
      mean[c] = (float) (config.mean()[c] / config.rescale());
      std[c] = (float) (config.std()[c] / config.rescale());
    }
    Tensor m = torch.tensor(mean).to(chosen.device(), ScalarType.Float);
    Tensor s = torch.tensor(std).to(chosen.device(), ScalarType.Float);
    return chosen.to(ScalarType.Float).sub_(m).div_(s);
  }

  @Override
  public void close() {
    pixels().close();
  }
}
