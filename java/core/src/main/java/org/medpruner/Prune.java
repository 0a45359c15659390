package org.medpruner;

import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.NativeOps;

/**
 * Stage 2 of pruning in one call, for all segments (slices) of a batch: bit for bit what {@link
 * AttentionMass} (unless the masses are given), {@link NucleusSelect}, {@link ContextualMerge} and
 * {@link GatherRows} give one after the other, without a copy of all features in between. On CUDA
 * nothing waits for the device, and the call can be part of a {@link Graph}.
 *
 * <p>Stateless, as {@link SliceAnchor}; {@linkplain org.medpruner what it throws and takes}.
 */
public final class Prune {
  private Prune() {}

  /**
   * What decides.
   *
   * @param nucleus the selection
   * @param merge the merging of what is not selected
   * @param droppedTokens leading tokens of a segment dropped by stage 1 that stay where they are
   *     selected or targets, &gt;= 0
   */
  public record Params(
      NucleusSelect.Params nucleus, ContextualMerge.Params merge, long droppedTokens) {
    /** Checks the range. */
    public Params {
      Check.notNull("nucleus", nucleus);
      Check.notNull("merge", merge);
      Check.that(droppedTokens >= 0, "droppedTokens", droppedTokens, ">= 0");
    }

    /**
     * Params under which dropped segments leave nothing.
     *
     * @param nucleus the selection, not null
     * @param ratio share of a segment's tokens that become contextual targets, in [0, 1]
     * @return params of no dropped tokens
     * @throws IllegalArgumentException if the ratio is out of range
     */
    public static Params of(NucleusSelect.Params nucleus, double ratio) {
      return new Params(nucleus, new ContextualMerge.Params(ratio), 0);
    }

    /**
     * A copy with another number of leading tokens that dropped segments leave.
     *
     * @param value &gt;= 0; without effect where no segment is dropped
     * @return params that differ in this alone
     * @throws IllegalArgumentException if the value is negative
     */
    public Params withDroppedTokens(long value) {
      return new Params(nucleus, merge, value);
    }
  }

  /** Where the attention masses and the pooled keys come from. */
  public sealed interface Scores {
    /** {@return attention masses, F32 [N] contiguous, N below 2^32} */
    TensorView mass();

    /** {@return keys of the tokens, mean over patches and heads, F32 [N, d]} */
    TensorView pooledKeys();
  }

  /**
   * Masses and keys that are there already, as {@link AttentionMass} gives them.
   *
   * @param mass F32 [N], contiguous
   * @param pooledKeys F32 [N, d]; row stride any
   */
  public record Given(TensorView mass, TensorView pooledKeys) implements Scores {}

  /**
   * Masses and keys that the call takes from queries and keys of N * patchesPerToken patches.
   *
   * @param params how
   * @param query F16, BF16 or F32 [N * patchesPerToken, H, d], as {@link AttentionMass#run} takes
   *     it
   * @param key as query
   * @param lse null, or F32 [H, N * patchesPerToken]
   * @param mass an output, F32 [N]
   * @param pooledKeys an output, F32 [N, d]
   */
  public record Attended(
      AttentionMass.Params params,
      TensorView query,
      TensorView key,
      @Nullable TensorView lse,
      TensorView mass,
      TensorView pooledKeys)
      implements Scores {}

  /**
   * Where the results go, for N tokens of C features in G segments.
   *
   * @param packed as the features [capacity, C], compact: the kept rows in order, targets with what
   *     was merged into them; rows past the total stay as they were. Too small is an argument error
   *     on the CPU and {@link SegmentFlags#CAPACITY} on CUDA; N rows always suffice
   * @param packedRows I64 [capacity]: row of the features each packed row is
   * @param packedOffsets I64 [G+1]: row of {@code packed} where each segment begins; the last is
   *     the total
   * @param role U8 [N], the ROLE constants of {@link ContextualMerge}, of dropped segments too
   * @param assignment I64 [N]: the row that stands for this one
   * @param keptMass F64 [G]: kept share of the weights
   * @param flags U32 [G], bits of {@link SegmentFlags} from any of the steps
   */
  public record Outputs(
      TensorView packed,
      TensorView packedRows,
      TensorView packedOffsets,
      TensorView role,
      TensorView assignment,
      TensorView keptMass,
      TensorView flags) {

    /**
     * How large a buffer {@link #in} needs.
     *
     * @param dtype of the features: F16, BF16 or F32
     * @param capacity rows of packed; N always suffice
     * @param channels C
     * @param tokens N
     * @param segments G
     * @return bytes, each output padded to a multiple of 256
     * @throws IllegalArgumentException if an extent is negative or the bytes overflow
     */
    public static long bytes(
        DType dtype, long capacity, long channels, long tokens, long segments) {
      Carver c = Carver.measure();
      carve(c, dtype, capacity, channels, tokens, segments);
      return c.used();
    }

    /**
     * All outputs inside one buffer.
     *
     * @param buffer at least {@link #bytes} large, on the device of the features; the views keep it
     *     reachable, but it stays the caller's to close
     * @param dtype of the features: F16, BF16 or F32
     * @param capacity rows of packed; N always suffice
     * @param channels C
     * @param tokens N
     * @param segments G
     * @return views of the buffer; nothing is written yet
     * @throws IllegalArgumentException if an extent is negative or the buffer is too small
     * @throws IllegalStateException if the buffer is closed
     */
    public static Outputs in(
        NativeBuffer buffer,
        DType dtype,
        long capacity,
        long channels,
        long tokens,
        long segments) {
      return carve(Carver.in(buffer), dtype, capacity, channels, tokens, segments);
    }

    private static Outputs carve(
        Carver c, DType dtype, long capacity, long channels, long tokens, long segments) {
      return new Outputs(
          c.next(dtype, capacity, channels),
          c.next(DType.I64, capacity),
          c.next(DType.I64, segments + 1),
          c.next(DType.U8, tokens),
          c.next(DType.I64, tokens),
          c.next(DType.F64, segments),
          c.next(DType.U32, segments));
    }
  }

  /**
   * Bytes of workspace that {@link #run} needs for these inputs. Looks at dtypes, shapes and the
   * device alone; no element is read.
   *
   * @param params selection and merging
   * @param scores masses and pooled keys, or what they are taken from
   * @param features F16, BF16 or F32 [N, C]; row stride any
   * @param offsets I64 [G+1] over the tokens
   * @param volumes null (all segments are one volume), or I64 [V+1] over the segments
   * @return bytes, possibly 0
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer is closed
   */
  public static long workspaceBytes(
      Params params,
      Scores scores,
      TensorView features,
      TensorView offsets,
      @Nullable TensorView volumes) {
    checkInputs(params, scores, features, offsets, null, volumes);
    try (Call held = hold(Stream.DEFAULT, scores, features, offsets, volumes)) {
      return NativeOps.pruneWorkspace(params, scores, features, offsets, volumes);
    }
  }

  /**
   * Prunes a batch of segments; on CUDA asynchronously on {@code stream}.
   *
   * @param params selection and merging
   * @param scores {@link Given} masses and pooled keys, or {@link Attended} queries and keys
   * @param features F16, BF16 or F32 [N, C]; row stride any. Never written
   * @param offsets I64 [G+1] over the tokens, ascending from 0 to N
   * @param segments null (all stay), or U8 [G], 0 where stage 1 dropped the segment, as {@link
   *     SliceAnchor.Outputs#keep} has it
   * @param volumes null (all segments are one volume), or I64 [V+1] over the segments
   * @param outputs tensors on the device of the features, compact, that overlap nothing else
   * @param workspace U8, at least {@link #workspaceBytes}, aligned to 16 bytes
   * @param stream of the features' device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer or the stream is closed
   */
  public static void run(
      Params params,
      Scores scores,
      TensorView features,
      TensorView offsets,
      @Nullable TensorView segments,
      @Nullable TensorView volumes,
      Outputs outputs,
      TensorView workspace,
      Stream stream) {
    checkInputs(params, scores, features, offsets, segments, volumes);
    Device device = features.device();
    long n = features.size(0);
    long g = offsets.size(0) - 1;
    Check.notNull("outputs", outputs);
    Check.output("packed", outputs.packed, device, features.dtype(), Check.ANY, features.size(1));
    Check.output("packedRows", outputs.packedRows, device, DType.I64, outputs.packed.size(0));
    Check.output("packedOffsets", outputs.packedOffsets, device, DType.I64, g + 1);
    Check.output("role", outputs.role, device, DType.U8, n);
    Check.output("assignment", outputs.assignment, device, DType.I64, n);
    Check.output("keptMass", outputs.keptMass, device, DType.F64, g);
    Check.output("flags", outputs.flags, device, DType.U32, g);
    Check.workspace(workspace, device);
    Check.stream(stream, device);
    try (Call held =
        hold(
            stream,
            scores,
            features,
            offsets,
            segments,
            volumes,
            outputs.packed,
            outputs.packedRows,
            outputs.packedOffsets,
            outputs.role,
            outputs.assignment,
            outputs.keptMass,
            outputs.flags,
            workspace)) {
      NativeOps.prune(
          params,
          scores,
          features,
          offsets,
          segments,
          volumes,
          outputs,
          workspace,
          stream.handle());
    }
  }

  /**
   * As the other {@code run}, with a workspace that grows to what is needed.
   *
   * @param params selection and merging
   * @param scores {@link Given} masses and pooled keys, or {@link Attended} queries and keys
   * @param features F16, BF16 or F32 [N, C]; row stride any. Never written
   * @param offsets I64 [G+1] over the tokens, ascending from 0 to N
   * @param segments null (all stay), or U8 [G], 0 where stage 1 dropped the segment
   * @param volumes null (all segments are one volume), or I64 [V+1] over the segments
   * @param outputs tensors on the device of the features, compact, that overlap nothing else
   * @param workspace on the device of the features; not shared with a call that may run at once
   * @param stream of the features' device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer, the workspace or the stream is closed
   * @throws MedPrunerOutOfMemoryException if the workspace cannot grow
   */
  public static void run(
      Params params,
      Scores scores,
      TensorView features,
      TensorView offsets,
      @Nullable TensorView segments,
      @Nullable TensorView volumes,
      Outputs outputs,
      Workspace workspace,
      Stream stream) {
    long bytes = workspaceBytes(params, scores, features, offsets, volumes);
    TensorView scratch = Check.notNull("workspace", workspace).reserve(bytes);
    run(params, scores, features, offsets, segments, volumes, outputs, scratch, stream);
  }

  /** Holds the tensors of the scores and the others. */
  private static Call hold(Stream stream, Scores scores, @Nullable TensorView... others) {
    @Nullable TensorView[] all = new TensorView[others.length + 5];
    System.arraycopy(others, 0, all, 0, others.length);
    all[others.length] = scores.mass();
    all[others.length + 1] = scores.pooledKeys();
    if (scores instanceof Attended a) {
      all[others.length + 2] = a.query;
      all[others.length + 3] = a.key;
      all[others.length + 4] = a.lse;
    }
    return Call.hold(stream, all);
  }

  private static void checkInputs(
      Params params,
      Scores scores,
      TensorView features,
      TensorView offsets,
      @Nullable TensorView segments,
      @Nullable TensorView volumes) {
    Check.notNull("params", params);
    DType dtype = Check.oneOf("features", features, DType.F16, DType.BF16, DType.F32);
    Device device = features.device();
    Check.rows("features", features, device, dtype, Check.ANY, Check.ANY);
    long n = features.size(0);
    switch (Check.notNull("scores", scores)) {
      case Given s -> {
        Check.compact("mass", s.mass, device, DType.F32, n);
        Check.rows("pooledKeys", s.pooledKeys, device, DType.F32, n, Check.ANY);
      }
      case Attended s -> {
        AttentionMass.checkTensors(s.params, s.query, s.key, s.lse);
        Check.rows("query", s.query, device, s.query.dtype(), Check.ANY, Check.ANY, Check.ANY);
        long pool = s.params.pooling().patchesPerToken();
        Check.that(
            Math.multiplyHigh(n, pool) == 0 && n * pool == s.query.size(0),
            "query",
            s.query,
            "of " + pool + " patches for each of the " + n + " tokens of features");
        Check.output("mass", s.mass, device, DType.F32, n);
        Check.output("pooledKeys", s.pooledKeys, device, DType.F32, n, s.query.size(2));
      }
    }
    long g = Check.offsets("offsets", offsets, device);
    if (segments != null) {
      Check.compact("segments", segments, device, DType.U8, g);
    }
    if (volumes != null) {
      Check.offsets("volumes", volumes, device);
    }
  }

  /**
   * What became of one segment.
   *
   * @param packed float[kept * C]: the kept tokens' features
   * @param packedRows the kept tokens, ascending
   * @param roles byte[n], the ROLE constants of {@link ContextualMerge}
   * @param assignment int[n]: the token that stands for each one
   * @param keptMass share of the weights that the nucleus holds
   * @param flags bits of {@link SegmentFlags}
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      float[] packed,
      int[] packedRows,
      byte[] roles,
      int[] assignment,
      double keptMass,
      int flags) {}

  /**
   * Prunes one segment in host memory, on the CPU.
   *
   * @param mass float[n], attention mass of each token
   * @param pooledKeys float[n * d], token by token
   * @param features float[n * C], token by token
   * @param params selection and merging
   * @return new arrays; the features given are left as they are
   * @throws IllegalArgumentException if there is no token, or the keys or the features are not a
   *     multiple of n values
   */
  public static Result apply(float[] mass, float[] pooledKeys, float[] features, Params params) {
    return HostOps.prune(
        params,
        Check.notNull("mass", mass),
        Check.notNull("pooledKeys", pooledKeys),
        Check.notNull("features", features));
  }
}
