package org.medpruner;

import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.NativeOps;

/**
 * Attention column mass of a vision encoder layer, without a T x T buffer. Per segment (slice) of T
 * patches:
 *
 * <pre>
 *   P_h = softmax_rows(scale * Q_h K_h^T);  v[k] = (1/H) sum_h sum_q P_h[q,k]     (sum_k v[k] = T)
 *   mass[j] = mean of v over the patches pooled into token j
 *   pooledKeys[j] = mean of K over the same patches, then over heads
 * </pre>
 *
 * <p>Rotary embeddings are already applied to Q and K. Memory beyond the tensors is O(H * T). Runs
 * on one device give the same bits; CPU and CUDA agree within 1e-5 relative while {@code scale *
 * sum_i |q_i * k_i|} of every logit is at most 17, beyond that within 6e-7 times the largest such
 * sum, masses below 1e-3 as at 1e-3. A NaN or infinity, in the inputs or on the way in float, gives
 * NaN masses in its whole segment and {@link SegmentFlags#NON_FINITE}. Stateless, as {@link
 * SliceAnchor}; {@linkplain org.medpruner what it throws and takes}.
 */
public final class AttentionMass {
  private AttentionMass() {}

  /** How patches become tokens. */
  public sealed interface Pooling {
    /** {@return how many patches become one token, at least 1} */
    long patchesPerToken();

    /**
     * The token that a patch becomes part of.
     *
     * @param patch row of query and key, counted from its segment's first, at least 0
     * @return counted from the segment's first
     */
    long tokenOf(long patch);
  }

  /**
   * Consecutive patches form a token: merge-block order, as in Qwen3-VL and Hulu-Med.
   *
   * @param group patches per token, at least 1; 1 is no pooling. Divides every segment's length
   */
  public record Contiguous(long group) implements Pooling {
    /** Checks the range. */
    public Contiguous {
      Check.that(group >= 1, "group", group, ">= 1");
    }

    @Override
    public long patchesPerToken() {
      return group;
    }

    @Override
    public long tokenOf(long patch) {
      return patch / group;
    }
  }

  /**
   * Raster-ordered patches of a grid, in blocks: SigLIP with Gemma 3's projector. Every non-empty
   * segment has gridHeight * gridWidth patches; the blocks divide the grid.
   *
   * @param gridHeight rows of patches
   * @param gridWidth columns of patches
   * @param blockHeight rows of patches per token
   * @param blockWidth columns of patches per token
   */
  public record Grid(long gridHeight, long gridWidth, long blockHeight, long blockWidth)
      implements Pooling {
    /** Checks that the blocks divide the grid. */
    public Grid {
      Check.that(blockHeight >= 1, "blockHeight", blockHeight, ">= 1");
      Check.that(blockWidth >= 1, "blockWidth", blockWidth, ">= 1");
      checkSide("gridHeight", gridHeight, blockHeight);
      checkSide("gridWidth", gridWidth, blockWidth);
      Check.that(
          Math.multiplyHigh(gridHeight, gridWidth) == 0 && gridHeight * gridWidth > 0,
          "gridHeight * gridWidth",
          gridHeight + " * " + gridWidth,
          "below 2^63");
    }

    private static void checkSide(String name, long grid, long block) {
      Check.that(grid >= 1 && grid % block == 0, name, grid, "a positive multiple of " + block);
    }

    @Override
    public long patchesPerToken() {
      return blockHeight * blockWidth;
    }

    @Override
    public long tokenOf(long patch) {
      long row = patch / gridWidth / blockHeight;
      long column = patch % gridWidth / blockWidth;
      return row * (gridWidth / blockWidth) + column;
    }
  }

  /**
   * What is computed.
   *
   * @param pooling how patches become tokens
   * @param scale factor of the logits, finite and &gt;= 0; 0 means 1/sqrt(d)
   */
  public record Params(Pooling pooling, double scale) {
    /** Checks the ranges. */
    public Params {
      Check.notNull("pooling", pooling);
      Check.that(scale >= 0 && Double.isFinite(scale), "scale", scale, "finite and >= 0");
    }

    /**
     * The usual scale, 1/sqrt(d) of the head dimension at hand.
     *
     * @param pooling how patches become tokens, not null
     * @return params of scale 0, which stands for 1/sqrt(d)
     */
    public static Params of(Pooling pooling) {
      return new Params(pooling, 0);
    }

    /**
     * A copy with another scale.
     *
     * @param value factor of the logits, finite and &gt;= 0; 0 means 1/sqrt(d)
     * @return params with the same pooling
     * @throws IllegalArgumentException if the value is negative, infinite or NaN
     */
    public Params withScale(double value) {
      return new Params(pooling, value);
    }
  }

  /**
   * Where the results go, for N patches in G segments.
   *
   * @param mass F32 [N / patchesPerToken]: tokens of segment g from offsets[g] / patchesPerToken
   *     on; mean 1
   * @param pooledKeys null, or F32 [N / patchesPerToken, d]
   * @param flags U32 [G], bits of {@link SegmentFlags}
   */
  public record Outputs(TensorView mass, @Nullable TensorView pooledKeys, TensorView flags) {

    /**
     * How large a buffer {@link #in} needs.
     *
     * @param tokens N / patchesPerToken over all segments
     * @param headDim d, columns of the pooled keys
     * @param segments G
     * @return bytes, each output padded to a multiple of 256
     * @throws IllegalArgumentException if an extent is negative or the bytes overflow
     */
    public static long bytes(long tokens, long headDim, long segments) {
      Carver c = Carver.measure();
      carve(c, tokens, headDim, segments);
      return c.used();
    }

    /**
     * All outputs inside one buffer, pooled keys included.
     *
     * @param buffer at least {@link #bytes} large, on the device of the inputs; the views keep it
     *     reachable, but it stays the caller's to close
     * @param tokens N / patchesPerToken over all segments
     * @param headDim d, columns of the pooled keys
     * @param segments G
     * @return views of the buffer; nothing is written yet
     * @throws IllegalArgumentException if an extent is negative or the buffer is too small
     * @throws IllegalStateException if the buffer is closed
     */
    public static Outputs in(NativeBuffer buffer, long tokens, long headDim, long segments) {
      return carve(Carver.in(buffer), tokens, headDim, segments);
    }

    private static Outputs carve(Carver c, long tokens, long headDim, long segments) {
      return new Outputs(
          c.next(DType.F32, tokens),
          c.next(DType.F32, tokens, headDim),
          c.next(DType.U32, segments));
    }
  }

  /**
   * Bytes of workspace that {@link #run} needs for these inputs. Looks at dtypes, shapes and the
   * device alone; no element is read.
   *
   * @param params pooling and scale
   * @param query F16, BF16 or F32 [N, H, d], as {@link #run} takes it
   * @param key as query
   * @param offsets I64 [G+1] over the patches
   * @return bytes, possibly 0
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer is closed
   */
  public static long workspaceBytes(
      Params params, TensorView query, TensorView key, TensorView offsets) {
    checkInputs(params, query, key, null, offsets);
    try (Call held = Call.hold(Stream.DEFAULT, query, key, offsets)) {
      return NativeOps.attentionMassWorkspace(params, query, key, offsets);
    }
  }

  /**
   * Computes the masses of a batch of slices; on CUDA asynchronously on {@code stream}.
   *
   * @param params pooling and scale
   * @param query F16, BF16 or F32 [N, H, d]; strides of N and H any, the last is 1; d &lt;= 256
   * @param key as query
   * @param lse null, or F32 [H, N]: natural log of each query row's sum of exponentials of the
   *     scaled logits, as flash-attention returns it; saves the first pass
   * @param offsets I64 [G+1] over the patches, ascending from 0 to N
   * @param outputs tensors on the device of the query, compact, that overlap nothing else
   * @param workspace U8, at least {@link #workspaceBytes}, aligned to 16 bytes
   * @param stream of the query's device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer or the stream is closed
   */
  public static void run(
      Params params,
      TensorView query,
      TensorView key,
      @Nullable TensorView lse,
      TensorView offsets,
      Outputs outputs,
      TensorView workspace,
      Stream stream) {
    checkInputs(params, query, key, lse, offsets);
    Device device = query.device();
    long pool = params.pooling.patchesPerToken();
    Check.that(query.size(0) % pool == 0, "query", query, "of a multiple of " + pool + " patches");
    long tokens = query.size(0) / pool;
    Check.notNull("outputs", outputs);
    Check.output("mass", outputs.mass, device, DType.F32, tokens);
    if (outputs.pooledKeys != null) {
      Check.output("pooledKeys", outputs.pooledKeys, device, DType.F32, tokens, query.size(2));
    }
    Check.output("flags", outputs.flags, device, DType.U32, offsets.size(0) - 1);
    Check.workspace(workspace, device);
    Check.stream(stream, device);
    try (Call held =
        Call.hold(
            stream,
            query,
            key,
            lse,
            offsets,
            outputs.mass,
            outputs.pooledKeys,
            outputs.flags,
            workspace)) {
      NativeOps.attentionMass(
          params, query, key, lse, offsets, outputs, workspace, stream.handle());
    }
  }

  /**
   * As the other {@code run}, with a workspace that grows to what is needed.
   *
   * @param params pooling and scale
   * @param query F16, BF16 or F32 [N, H, d]; strides of N and H any, the last is 1; d &lt;= 256
   * @param key as query
   * @param lse null, or F32 [H, N]: natural log of each query row's sum of exponentials
   * @param offsets I64 [G+1] over the patches, ascending from 0 to N
   * @param outputs tensors on the device of the query, compact, that overlap nothing else
   * @param workspace on the device of the query; not shared with a call that may run at once
   * @param stream of the query's device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer, the workspace or the stream is closed
   * @throws MedPrunerOutOfMemoryException if the workspace cannot grow
   */
  public static void run(
      Params params,
      TensorView query,
      TensorView key,
      @Nullable TensorView lse,
      TensorView offsets,
      Outputs outputs,
      Workspace workspace,
      Stream stream) {
    long bytes = workspaceBytes(params, query, key, offsets);
    TensorView scratch = Check.notNull("workspace", workspace).reserve(bytes);
    run(params, query, key, lse, offsets, outputs, scratch, stream);
  }

  private static void checkInputs(
      Params params,
      TensorView query,
      TensorView key,
      @Nullable TensorView lse,
      TensorView offsets) {
    checkTensors(params, query, key, lse);
    Check.offsets("offsets", offsets, query.device());
  }

  /** Params, query, key and lse; also for {@link Prune}. */
  static void checkTensors(
      Params params, TensorView query, TensorView key, @Nullable TensorView lse) {
    Check.notNull("params", params);
    DType dtype = Check.oneOf("query", query, DType.F16, DType.BF16, DType.F32);
    Device device = query.device();
    Check.rows("query", query, device, dtype, Check.ANY, Check.ANY, Check.ANY);
    long d = query.size(2);
    Check.that(query.size(1) >= 1, "query", query, "of at least one head");
    Check.that(d >= 1 && d <= 256, "query", query, "of a head dimension in [1, 256]");
    Check.rows("key", key, device, dtype, query.size(0), query.size(1), d);
    if (lse != null) {
      Check.compact("lse", lse, device, DType.F32, query.size(1), query.size(0));
    }
  }

  /**
   * What was computed for one slice.
   *
   * @param mass float[tokens], mean 1
   * @param pooledKeys float[tokens * d]
   * @param flags bits of {@link SegmentFlags}; {@link SegmentFlags#NON_FINITE} where a NaN or an
   *     infinity made the masses NaN
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(float[] mass, float[] pooledKeys, int flags) {}

  /**
   * Computes the masses of one slice in host memory, on the CPU.
   *
   * @param query float[N * heads * headDim], patch by patch
   * @param key as query
   * @param heads H, at least 1
   * @param headDim d, in [1, 256]
   * @param params pooling, which divides N, and scale
   * @return new arrays of N / patchesPerToken tokens
   * @throws IllegalArgumentException naming the argument at fault
   */
  public static Result apply(float[] query, float[] key, int heads, int headDim, Params params) {
    return HostOps.attentionMass(
        params, Check.notNull("query", query), Check.notNull("key", key), heads, headDim);
  }
}
