package org.medpruner.vlm.pruning;

import java.util.Arrays;
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
   * Anchors the slices of one volume.
   *
   * @param slices U8, F16, BF16 or F32 [D, S]
   * @param params its scale is that of a difference of one in {@code slices}, in normalised units
   */
  public static Result run(TensorView slices, SliceAnchor.Params params, Workspace workspace) {
    Device device = slices.device();
    int count = Math.toIntExact(slices.size(0));
    try (PointerScope scope = new PointerScope()) {
      Tensor keep = DeviceTensors.empty(device, ScalarType.Byte, count);
      Tensor distance = DeviceTensors.empty(device, ScalarType.Float, count);
      Tensor representative = DeviceTensors.empty(device, ScalarType.Int, count);
      Tensor indices = DeviceTensors.empty(device, ScalarType.Int, count);
      Tensor counts = DeviceTensors.empty(device, ScalarType.Int, 1);
      Tensor flags = DeviceTensors.empty(device, ScalarType.UInt32, count);
      boolean patches = params.patches() != null;
      Tensor patchDistance = DeviceTensors.empty(device, ScalarType.Float, count);
      Tensor patchIndex = DeviceTensors.empty(device, ScalarType.Int, count);
      SliceAnchor.run(
          params,
          slices,
          TorchTensors.view(DeviceTensors.offsets(device, 1, count)),
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
      byte[] kept = TorchTensors.bytes(keep);
      int[] flag = TorchTensors.ints(flags);
      boolean[] keptFlags = new boolean[count];
      boolean[] nonFinite = new boolean[count];
      for (int i = 0; i < count; i++) {
        keptFlags[i] = kept[i] != 0;
        nonFinite[i] = (flag[i] & SegmentFlags.NON_FINITE) != 0;
      }
      return new Result(
          keptFlags, TorchTensors.floats(distance), TorchTensors.ints(representative), nonFinite);
    }
  }
}
