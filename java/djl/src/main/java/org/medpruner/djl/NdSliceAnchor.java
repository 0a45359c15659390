package org.medpruner.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.SliceAnchor;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;

/** {@link SliceAnchor} on volumes in an NDArray, on the CPU; it is not written. Stateless. */
public final class NdSliceAnchor {
  private NdSliceAnchor() {}

  /**
   * Anchors the slices of one volume.
   *
   * @param volume UINT8, INT16, FLOAT16, BFLOAT16 or FLOAT32 [D, ...], D &gt;= 1 slices of at least
   *     one value
   * @param params without {@link SliceAnchor.Params#decideOnly}
   * @return new Java arrays
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if the array is closed
   */
  public static SliceAnchor.Result apply(NDArray volume, SliceAnchor.Params params) {
    try (BorrowedArray slices = BorrowedArray.of("volume", volume);
        NativeBuffer offsets = NativeBuffer.allocate(Device.CPU, DType.I64, 2)) {
      TensorView rows = rows("volume", volume, slices);
      offsets.copyFrom(new long[] {0, rows.size(0)});
      return anchor(rows, offsets.view(DType.I64, 2), params);
    }
  }

  /**
   * Anchors the slices of several volumes, each from its own first slice on.
   *
   * @param slices of all volumes, one after the other, as a volume
   * @param offsets INT64 [V + 1], ascending from 0 to D: slice where each volume begins
   * @param params what decides; not {@link SliceAnchor.Params#decideOnly}
   * @return slices numbered through all volumes; {@code kept} is what {@link NdPrune} takes as
   *     segments, and the offsets are its volumes
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if an array is closed
   */
  public static SliceAnchor.Result apply(
      NDArray slices, NDArray offsets, SliceAnchor.Params params) {
    try (BorrowedArray of = BorrowedArray.of("slices", slices);
        BorrowedArray bounds = BorrowedArray.of("offsets", offsets)) {
      TensorView rows = rows("slices", slices, of);
      if (offsets.getDataType() != DataType.INT64
          || offsets.getShape().dimension() != 1
          || offsets.size() < 2) {
        throw new IllegalArgumentException(
            "offsets: is "
                + (offsets.getDataType() + " " + offsets.getShape())
                + ", but must be int64 (volumes + 1)");
      }
      return anchor(rows, bounds.view(), params);
    }
  }

  private static TensorView rows(String name, NDArray array, BorrowedArray slices) {
    long[] shape = array.getShape().getShape();
    if (shape.length < 2 || array.size() == 0) {
      throw new IllegalArgumentException(
          name + ": has shape " + array.getShape() + ", but must be [slices, ...], not empty");
    }
    return slices.view(shape[0], array.size() / shape[0]);
  }

  private static SliceAnchor.Result anchor(
      TensorView slices, TensorView offsets, SliceAnchor.Params params) {
    if (params.decideOnly()) {
      throw new IllegalArgumentException("params: decideOnly, but distances are returned");
    }
    long depth = slices.size(0);
    long volumes = offsets.size(0) - 1;
    try (NativeBuffer results =
            NativeBuffer.allocate(Device.CPU, SliceAnchor.Outputs.bytes(depth, volumes));
        Workspace workspace = Workspace.create(Device.CPU)) {
      SliceAnchor.Outputs out =
          params.patches() == null
              ? SliceAnchor.Outputs.in(results, depth, volumes)
              : SliceAnchor.Outputs.patchesIn(results, depth, volumes);
      SliceAnchor.run(params, slices, offsets, out, workspace, Stream.DEFAULT);
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
          IntStream.range(0, kept.length).filter(i -> kept[i]).toArray(),
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
