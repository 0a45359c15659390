package org.medpruner.djl;

import ai.djl.ndarray.NDArray;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.SliceAnchor;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;

/** {@link SliceAnchor} on a volume in an NDArray. Stateless. */
public final class NdSliceAnchor {
  private NdSliceAnchor() {}

  /**
   * Anchors the slices of one volume, on the CPU; the array is not written.
   *
   * @param volume UINT8, INT16, FLOAT16, BFLOAT16 or FLOAT32 [D, ...], D &gt;= 1 slices of at least
   *     one value
   * @param params without {@link SliceAnchor.Params#decideOnly}
   * @return new Java arrays
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if the array is closed
   */
  public static SliceAnchor.Result apply(NDArray volume, SliceAnchor.Params params) {
    try (BorrowedArray slices = BorrowedArray.of("volume", volume)) {
      long[] shape = volume.getShape().getShape();
      if (shape.length < 2 || volume.size() == 0) {
        throw new IllegalArgumentException(
            "volume: has shape " + volume.getShape() + ", but must be [slices, ...], not empty");
      }
      if (params.decideOnly()) {
        throw new IllegalArgumentException("params: decideOnly, but distances are returned");
      }
      return anchor(slices.view(shape[0], volume.size() / shape[0]), params);
    }
  }

  private static SliceAnchor.Result anchor(TensorView slices, SliceAnchor.Params params) {
    long depth = slices.size(0);
    try (NativeBuffer offsets = NativeBuffer.allocate(Device.CPU, DType.I64, 2);
        NativeBuffer results =
            NativeBuffer.allocate(Device.CPU, SliceAnchor.Outputs.bytes(depth, 1));
        Workspace workspace = Workspace.create(Device.CPU)) {
      offsets.copyFrom(new long[] {0, depth});
      SliceAnchor.Outputs out =
          params.patches() == null
              ? SliceAnchor.Outputs.in(results, depth, 1)
              : SliceAnchor.Outputs.patchesIn(results, depth, 1);
      SliceAnchor.run(params, slices, offsets.view(DType.I64, 2), out, workspace, Stream.DEFAULT);
      byte[] keep = new byte[(int) depth];
      results.copyTo(MemorySegment.ofArray(keep), results.offsetOf(out.keep()));
      boolean[] kept = new boolean[keep.length];
      for (int i = 0; i < keep.length; i++) {
        kept[i] = keep[i] != 0;
      }
      return new SliceAnchor.Result(
          kept,
          floats(results, out.distance()),
          ints(results, out.representative()),
          Arrays.copyOf(ints(results, out.keptIndices()), ints(results, out.keptCounts())[0]),
          ints(results, out.flags()),
          floats(results, out.patchDistance()),
          ints(results, out.patchIndex()));
    }
  }

  private static float[] floats(NativeBuffer buffer, @Nullable TensorView view) {
    float[] values = new float[view == null ? 0 : (int) view.elements()];
    if (view != null) {
      buffer.copyTo(MemorySegment.ofArray(values), buffer.offsetOf(view));
    }
    return values;
  }

  private static int[] ints(NativeBuffer buffer, @Nullable TensorView view) {
    int[] values = new int[view == null ? 0 : (int) view.elements()];
    if (view != null) {
      buffer.copyTo(MemorySegment.ofArray(values), buffer.offsetOf(view));
    }
    return values;
  }
}
