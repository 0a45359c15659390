package org.medpruner;

import org.medpruner.internal.ffm.NativeOps;

/**
 * Ragged compaction: packs the kept rows of every segment densely, in order. Moves features,
 * positions or any other per-token rows with the index lists of {@link NucleusSelect} or {@link
 * ContextualMerge}. Stateless, as {@link SliceAnchor}; {@linkplain org.medpruner what it throws and
 * takes}.
 */
public final class GatherRows {
  private GatherRows() {}

  /** Nothing to decide yet; there for symmetry with the other ops. */
  public record Params() {
    /** The only value. */
    public static final Params DEFAULT = new Params();
  }

  /**
   * Where the results go, for G segments.
   *
   * @param packed as the source [capacity, C], compact; rows past the total stay as they were. Too
   *     small is an argument error on the CPU and {@link SegmentFlags#CAPACITY} on CUDA
   * @param packedOffsets I64 [G+1]: row of {@code packed} where each segment begins; the last is
   *     the total
   * @param flags U32 [G], bits of {@link SegmentFlags}
   */
  public record Outputs(TensorView packed, TensorView packedOffsets, TensorView flags) {

    /**
     * How large a buffer {@link #in} needs.
     *
     * @param dtype of the source
     * @param capacity rows of packed; N always suffice
     * @param channels C
     * @param segments G
     * @return bytes, each output padded to a multiple of 256
     * @throws IllegalArgumentException if an extent is negative or the bytes overflow
     */
    public static long bytes(DType dtype, long capacity, long channels, long segments) {
      Carver c = Carver.measure();
      carve(c, dtype, capacity, channels, segments);
      return c.used();
    }

    /**
     * All outputs inside one buffer.
     *
     * @param buffer at least {@link #bytes} large, on the device of the source; the views keep it
     *     reachable, but it stays the caller's to close
     * @param dtype of the source
     * @param capacity rows of packed; N always suffice
     * @param channels C
     * @param segments G
     * @return views of the buffer; nothing is written yet
     * @throws IllegalArgumentException if an extent is negative or the buffer is too small
     * @throws IllegalStateException if the buffer is closed
     */
    public static Outputs in(
        NativeBuffer buffer, DType dtype, long capacity, long channels, long segments) {
      return carve(Carver.in(buffer), dtype, capacity, channels, segments);
    }

    private static Outputs carve(
        Carver c, DType dtype, long capacity, long channels, long segments) {
      return new Outputs(
          c.next(dtype, capacity, channels),
          c.next(DType.I64, segments + 1),
          c.next(DType.U32, segments));
    }
  }

  /**
   * Bytes of workspace that {@link #run} needs for these inputs. Looks at dtypes, shapes and the
   * device alone; no element is read.
   *
   * @param params {@link Params#DEFAULT}
   * @param source any dtype [N, C]; row stride any, values contiguous
   * @param offsets I64 [G+1] over the rows
   * @return bytes, possibly 0
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer is closed
   */
  public static long workspaceBytes(Params params, TensorView source, TensorView offsets) {
    checkInputs(params, source, offsets);
    try (Call held = Call.hold(Stream.DEFAULT, source, offsets)) {
      return NativeOps.gatherRowsWorkspace(source, offsets);
    }
  }

  /**
   * Packs a batch of segments; on CUDA asynchronously on {@code stream}.
   *
   * @param params {@link Params#DEFAULT}
   * @param source any dtype [N, C]; row stride any, values contiguous
   * @param indices I64 [N]: source rows of segment g from offsets[g] on. On CUDA a row outside [0,
   *     N) gives zeros and {@link SegmentFlags#BAD_OFFSETS}
   * @param counts I64 [G]: how many of them count, at most the segment's length
   * @param offsets I64 [G+1] over the rows of {@code source}, ascending from 0 to N
   * @param outputs tensors on the device of the source, compact, that overlap nothing else
   * @param workspace U8, at least {@link #workspaceBytes}, aligned to 16 bytes
   * @param stream of the source's device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer or the stream is closed
   */
  public static void run(
      Params params,
      TensorView source,
      TensorView indices,
      TensorView counts,
      TensorView offsets,
      Outputs outputs,
      TensorView workspace,
      Stream stream) {
    checkInputs(params, source, offsets);
    Device device = source.device();
    long segments = offsets.size(0) - 1;
    Check.compact("indices", indices, device, DType.I64, source.size(0));
    Check.compact("counts", counts, device, DType.I64, segments);
    Check.notNull("outputs", outputs);
    Check.output("packed", outputs.packed, device, source.dtype(), Check.ANY, source.size(1));
    Check.output("packedOffsets", outputs.packedOffsets, device, DType.I64, segments + 1);
    Check.output("flags", outputs.flags, device, DType.U32, segments);
    Check.workspace(workspace, device);
    Check.stream(stream, device);
    try (Call held =
        Call.hold(
            stream,
            source,
            indices,
            counts,
            offsets,
            outputs.packed,
            outputs.packedOffsets,
            outputs.flags,
            workspace)) {
      NativeOps.gatherRows(source, indices, counts, offsets, outputs, workspace, stream.handle());
    }
  }

  /**
   * As the other {@code run}, with a workspace that grows to what is needed.
   *
   * @param params {@link Params#DEFAULT}
   * @param source any dtype [N, C]; row stride any, values contiguous
   * @param indices I64 [N]: source rows of segment g from offsets[g] on
   * @param counts I64 [G]: how many of them count, at most the segment's length
   * @param offsets I64 [G+1] over the rows of {@code source}, ascending from 0 to N
   * @param outputs tensors on the device of the source, compact, that overlap nothing else
   * @param workspace on the device of the source; not shared with a call that may run at once
   * @param stream of the source's device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer, the workspace or the stream is closed
   * @throws MedPrunerOutOfMemoryException if the workspace cannot grow
   */
  public static void run(
      Params params,
      TensorView source,
      TensorView indices,
      TensorView counts,
      TensorView offsets,
      Outputs outputs,
      Workspace workspace,
      Stream stream) {
    long bytes = workspaceBytes(params, source, offsets);
    TensorView scratch = Check.notNull("workspace", workspace).reserve(bytes);
    run(params, source, indices, counts, offsets, outputs, scratch, stream);
  }

  private static void checkInputs(Params params, TensorView source, TensorView offsets) {
    Check.notNull("params", params);
    Device device = Check.notNull("source", source).device();
    Check.rows("source", source, device, source.dtype(), Check.ANY, Check.ANY);
    Check.offsets("offsets", offsets, device);
  }

  /**
   * Packs rows of one array in host memory, on the CPU.
   *
   * @param source float[n * columns], row by row
   * @param columns values of a row, at least 1; divides the source's length
   * @param indices rows to pack, in this order; at most n of them, each in [0, n)
   * @return a new float[indices.length * columns]
   * @throws IllegalArgumentException naming the argument at fault
   */
  public static float[] apply(float[] source, int columns, int[] indices) {
    return HostOps.gatherRows(
        Check.notNull("source", source), columns, Check.notNull("indices", indices));
  }
}
