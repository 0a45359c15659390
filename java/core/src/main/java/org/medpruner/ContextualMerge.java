package org.medpruner;

import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.NativeOps;

/**
 * Merges the tokens outside the nucleus into a few contextual targets, per segment of n tokens:
 *
 * <pre>
 *   m = max(trunc(ratio * n), 1);  rest = rows outside the nucleus;  step = max(1, |rest| / m)
 *   targets = rest[0], rest[step], ... (at most m);  every other rest token goes to the target with
 *   the highest cosine similarity of keys (ties: the lowest);  feature[target] += mean(assigned)
 * </pre>
 *
 * <p>Nothing outside the nucleus: nothing to do. Keys of zero or non-finite norm have similarity 0
 * and raise {@link SegmentFlags#ZERO_KEY}. Results are bit-identical on CPU, CUDA and {@link
 * org.medpruner.oracle.ContextualMergeOracle}. Stateless, as {@link SliceAnchor}; {@linkplain
 * org.medpruner what it throws and takes}.
 */
public final class ContextualMerge {
  private ContextualMerge() {}

  /** Role of a token that is merged away. */
  public static final byte ROLE_MERGED = 0;

  /** Role of a token of the nucleus. */
  public static final byte ROLE_NUCLEUS = 1;

  /** Role of a contextual target. */
  public static final byte ROLE_TARGET = 2;

  /**
   * What decides.
   *
   * @param ratio share of a segment's tokens that become targets, in [0, 1]
   */
  public record Params(double ratio) {
    /** Checks the range. */
    public Params {
      Check.that(ratio >= 0 && ratio <= 1, "ratio", ratio, "in [0, 1]");
    }
  }

  /**
   * Where the results go, for N tokens in G segments.
   *
   * @param merged null iff the features are; else as them [N, C], row stride any: target rows
   *     merged, all others copied. May be the features' own memory with the same row stride (in
   *     place)
   * @param role U8 [N]: {@link #ROLE_MERGED}, {@link #ROLE_NUCLEUS} or {@link #ROLE_TARGET}
   * @param assignment I64 [N]: the row that stands for this one; nucleus and target rows name
   *     themselves
   * @param keptIndices I64 [N]: nucleus and target rows of segment g, ascending, from offsets[g]
   *     on, then -1
   * @param keptCounts I64 [G]
   * @param flags U32 [G], bits of {@link SegmentFlags}
   */
  public record Outputs(
      @Nullable TensorView merged,
      TensorView role,
      TensorView assignment,
      TensorView keptIndices,
      TensorView keptCounts,
      TensorView flags) {

    /**
     * How large a buffer {@link #in} needs.
     *
     * @param tokens N
     * @param segments G
     * @return bytes, each output padded to a multiple of 256
     * @throws IllegalArgumentException if an extent is negative or the bytes overflow
     */
    public static long bytes(long tokens, long segments) {
      Carver c = Carver.measure();
      carve(c, null, tokens, segments);
      return c.used();
    }

    /**
     * All outputs but {@code merged} inside one buffer.
     *
     * @param buffer at least {@link #bytes} large, on the device of the keys; the views keep it
     *     reachable, but it stays the caller's to close
     * @param merged null iff the features are; else as them [N, C], and possibly their own memory
     * @param tokens N
     * @param segments G
     * @return {@code merged} and views of the buffer; nothing is written yet
     * @throws IllegalArgumentException if an extent is negative or the buffer is too small
     * @throws IllegalStateException if the buffer is closed
     */
    public static Outputs in(
        NativeBuffer buffer, @Nullable TensorView merged, long tokens, long segments) {
      return carve(Carver.in(buffer), merged, tokens, segments);
    }

    private static Outputs carve(
        Carver c, @Nullable TensorView merged, long tokens, long segments) {
      return new Outputs(
          merged,
          c.next(DType.U8, tokens),
          c.next(DType.I64, tokens),
          c.next(DType.I64, tokens),
          c.next(DType.I64, segments),
          c.next(DType.U32, segments));
    }
  }

  /**
   * Bytes of workspace that {@link #run} needs for these inputs. Looks at shapes and the device
   * alone; no element is read.
   *
   * @param params share of targets
   * @param keys F32 [N, d]; row stride any
   * @param offsets I64 [G+1] over the tokens
   * @return bytes, possibly 0
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer is closed
   */
  public static long workspaceBytes(Params params, TensorView keys, TensorView offsets) {
    checkKeys(params, keys, offsets);
    try (Call held = Call.hold(Stream.DEFAULT, keys, offsets)) {
      return NativeOps.contextualMergeWorkspace(params.ratio, keys, offsets);
    }
  }

  /**
   * Merges a batch of segments; on CUDA asynchronously on {@code stream}.
   *
   * @param params share of targets
   * @param features null (assignment only), or F16, BF16 or F32 [N, C]; row stride any
   * @param keys F32 [N, d]; row stride any
   * @param nucleus U8 [N], nonzero = in the nucleus
   * @param offsets I64 [G+1] over the tokens, ascending from 0 to N
   * @param outputs tensors on the device of the keys that overlap nothing else, except that merged
   *     may be the features
   * @param workspace U8, at least {@link #workspaceBytes}, aligned to 16 bytes
   * @param stream of the keys' device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer or the stream is closed
   */
  public static void run(
      Params params,
      @Nullable TensorView features,
      TensorView keys,
      TensorView nucleus,
      TensorView offsets,
      Outputs outputs,
      TensorView workspace,
      Stream stream) {
    checkKeys(params, keys, offsets);
    Device device = keys.device();
    long n = keys.size(0);
    Check.notNull("outputs", outputs);
    if (features == null) {
      if (outputs.merged != null) {
        throw Check.bad("merged", "must be null because features is");
      }
    } else {
      DType dtype = Check.oneOf("features", features, DType.F16, DType.BF16, DType.F32);
      Check.rows("features", features, device, dtype, n, Check.ANY);
      Check.rows("merged", outputs.merged, device, dtype, n, features.size(1));
      Check.writable("merged", outputs.merged);
    }
    Check.compact("nucleus", nucleus, device, DType.U8, n);
    Check.output("role", outputs.role, device, DType.U8, n);
    Check.output("assignment", outputs.assignment, device, DType.I64, n);
    Check.output("keptIndices", outputs.keptIndices, device, DType.I64, n);
    Check.output("keptCounts", outputs.keptCounts, device, DType.I64, offsets.size(0) - 1);
    Check.output("flags", outputs.flags, device, DType.U32, offsets.size(0) - 1);
    Check.workspace(workspace, device);
    Check.stream(stream, device);
    try (Call held =
        Call.hold(
            stream,
            features,
            keys,
            nucleus,
            offsets,
            outputs.merged,
            outputs.role,
            outputs.assignment,
            outputs.keptIndices,
            outputs.keptCounts,
            outputs.flags,
            workspace)) {
      NativeOps.contextualMerge(
          params.ratio, features, keys, nucleus, offsets, outputs, workspace, stream.handle());
    }
  }

  /**
   * As the other {@code run}, with a workspace that grows to what is needed.
   *
   * @param params share of targets
   * @param features null (assignment only), or F16, BF16 or F32 [N, C]; row stride any
   * @param keys F32 [N, d]; row stride any
   * @param nucleus U8 [N], nonzero = in the nucleus
   * @param offsets I64 [G+1] over the tokens, ascending from 0 to N
   * @param outputs tensors on the device of the keys that overlap nothing else, except that merged
   *     may be the features
   * @param workspace on the device of the keys; not shared with a call that may run at once
   * @param stream of the keys' device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer, the workspace or the stream is closed
   * @throws MedPrunerOutOfMemoryException if the workspace cannot grow
   */
  public static void run(
      Params params,
      @Nullable TensorView features,
      TensorView keys,
      TensorView nucleus,
      TensorView offsets,
      Outputs outputs,
      Workspace workspace,
      Stream stream) {
    long bytes = workspaceBytes(params, keys, offsets);
    TensorView scratch = Check.notNull("workspace", workspace).reserve(bytes);
    run(params, features, keys, nucleus, offsets, outputs, scratch, stream);
  }

  private static void checkKeys(Params params, TensorView keys, TensorView offsets) {
    Check.notNull("params", params);
    Device device = Check.notNull("keys", keys).device();
    Check.rows("keys", keys, device, DType.F32, Check.ANY, Check.ANY);
    Check.offsets("offsets", offsets, device);
  }

  /**
   * What became of one segment.
   *
   * @param merged float[n * C]: target rows merged, all others copied
   * @param roles byte[n], the ROLE constants
   * @param assignment int[n]: the token that stands for each one
   * @param keptIndices nucleus and targets, ascending
   * @param flags bits of {@link SegmentFlags}
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      float[] merged, byte[] roles, int[] assignment, int[] keptIndices, int flags) {}

  /**
   * Merges one segment in host memory, on the CPU.
   *
   * @param features float[n * C], token by token
   * @param keys float[n * d], token by token
   * @param nucleus boolean[n], true = in the nucleus; n &gt;= 1
   * @param params share of targets
   * @return new arrays; the features given are left as they are
   * @throws IllegalArgumentException if the features or the keys are not a multiple of n values
   */
  public static Result apply(float[] features, float[] keys, boolean[] nucleus, Params params) {
    return HostOps.contextualMerge(
        params,
        Check.notNull("features", features),
        Check.notNull("keys", keys),
        Check.notNull("nucleus", nucleus));
  }
}
