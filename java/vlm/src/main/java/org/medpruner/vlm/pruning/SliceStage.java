package org.medpruner.vlm.pruning;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.Device;
import org.medpruner.SegmentFlags;
import org.medpruner.SliceAnchor;
import org.medpruner.TensorView;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchStreams;
import org.medpruner.torch.TorchTensors;

/** Stage 1: which slices stay, from pixels alone. */
public final class SliceStage {
  private SliceStage() {}

  /**
   * What stage 1 decided; one entry per slice.
   *
   * @param kept whether the slice stays
   * @param distance mean absolute difference to the anchor in normalised units; 0 for the first
   * @param representative the slice that stands for it, itself when kept
   * @param nonFinite whether a NaN or an infinity forced it to be kept
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      boolean[] kept, float[] distance, int[] representative, boolean[] nonFinite) {
    /** Indices of the kept slices, ascending. */
    public int[] keptIndices() {
      int[] indices = new int[kept.length];
      int n = 0;
      for (int i = 0; i < kept.length; i++) {
        if (kept[i]) {
          indices[n++] = i;
        }
      }
      return Arrays.copyOf(indices, n);
    }

    /** A volume's own result out of that of a batch. */
    private Result part(int from, int to) {
      int[] within = Arrays.copyOfRange(representative, from, to);
      Arrays.setAll(within, i -> within[i] - from);
      return new Result(
          Arrays.copyOfRange(kept, from, to),
          Arrays.copyOfRange(distance, from, to),
          within,
          Arrays.copyOfRange(nonFinite, from, to));
    }
  }

  /** Keeps all slices, unseen. */
  public static Result keepAll(int slices) {
    boolean[] kept = new boolean[slices];
    int[] self = new int[slices];
    Arrays.fill(kept, true);
    Arrays.setAll(self, i -> i);
    return new Result(kept, new float[slices], self, new boolean[slices]);
  }

  /**
   * Anchors the slices of volumes in one call, each volume from its own first slice on.
   *
   * @param slices U8, F16, BF16 or F32 [D, S]
   * @param offsets where each volume begins, from 0, and D at the end
   * @param params its scale is that of a difference of one in {@code slices}, in normalised units
   * @return one per volume, slices numbered within it
   */
  public static List<Result> run(
      TensorView slices, long[] offsets, SliceAnchor.Params params, Workspace workspace) {
    Device device = slices.device();
    int count = Math.toIntExact(slices.size(0));
    int volumes = offsets.length - 1;
    try (PointerScope scope = new PointerScope()) {
      Tensor keep = DeviceTensors.empty(device, ScalarType.Byte, count);
      Tensor distance = DeviceTensors.empty(device, ScalarType.Float, count);
      Tensor representative = DeviceTensors.empty(device, ScalarType.Int, count);
      Tensor indices = DeviceTensors.empty(device, ScalarType.Int, count);
      Tensor counts = DeviceTensors.empty(device, ScalarType.Int, volumes);
      Tensor flags = DeviceTensors.empty(device, ScalarType.UInt32, count);
      boolean patches = params.patches() != null;
      Tensor patchDistance = DeviceTensors.empty(device, ScalarType.Float, count);
      Tensor patchIndex = DeviceTensors.empty(device, ScalarType.Int, count);
      SliceAnchor.run(
          params,
          slices,
          TorchTensors.view(DeviceTensors.of(device, offsets)),
          new SliceAnchor.Outputs(
              TorchTensors.view(keep),
              TorchTensors.view(distance),
              TorchTensors.view(representative),
              TorchTensors.view(indices),
              TorchTensors.view(counts),
              TorchTensors.view(flags),
              patches ? TorchTensors.view(patchDistance) : null,
              patches ? TorchTensors.view(patchIndex) : null),
          workspace,
          TorchStreams.current(device));
      Result all =
          new Result(
              set(TorchTensors.ints(keep.to(ScalarType.Int)), 1),
              TorchTensors.floats(distance),
              TorchTensors.ints(representative),
              set(TorchTensors.ints(flags), SegmentFlags.NON_FINITE));
      List<Result> each = new ArrayList<>();
      for (int v = 0; v < volumes; v++) {
        each.add(all.part(Math.toIntExact(offsets[v]), Math.toIntExact(offsets[v + 1])));
      }
      return each;
    }
  }

  /** Where a bit is set. */
  private static boolean[] set(int[] values, int bit) {
    boolean[] is = new boolean[values.length];
    for (int i = 0; i < is.length; i++) {
      is[i] = (values[i] & bit) != 0;
    }
    return is;
  }
}
