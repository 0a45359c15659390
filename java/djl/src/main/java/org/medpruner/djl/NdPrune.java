package org.medpruner.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.medpruner.AttentionMass;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.Prune;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;

/**
 * {@link Prune} on NDArrays: an encoder's tokens in, the kept ones out. G slices of T tokens each;
 * an array without the first dimension is one slice. Runs on the CPU, writes no input, and makes
 * its results in the features' manager, directly in their memory where the engine tells its
 * address. There is no gradient through it. Stateless.
 *
 * <p><b>Batches.</b> All slices are one volume that stage 1 left whole, unless the arrays that
 * {@link Prune#run} has for it say otherwise; each may be null:
 *
 * <ul>
 *   <li>{@code offsets}, INT64 [G + 1], ascending from 0 to N: token where each slice begins, for
 *       slices of different numbers of tokens. The other inputs are then [N, ..], N tokens one
 *       after the other, or [P, ..], their patches
 *   <li>{@code segments}, UINT8 or BOOLEAN [G]: 0 or false where stage 1 dropped the slice, as
 *       {@link org.medpruner.SliceAnchor.Result#kept} has it. Of its tokens at most the first
 *       {@link Prune.Params#droppedTokens} stay
 *   <li>{@code volumes}, INT64 [V + 1], ascending from 0 to G: slice where each volume begins.
 *       Floors and caps of a volume, {@link org.medpruner.NucleusSelect.Params#withVolumeTokens},
 *       are of each
 * </ul>
 */
public final class NdPrune {
  private NdPrune() {}

  /**
   * What is left, K tokens of G slices. The arrays belong to the features' manager, and closing
   * them leaves nothing of the call there; until then {@link #packed} and {@link #rows} hold memory
   * for all G * T rows where the engine cuts without a copy, as PyTorch's does.
   *
   * @param packed as the features [K, C]: the kept rows in order, contextual tokens with what was
   *     merged into them
   * @param rows INT64 [K], ascending: row of the features [G * T, C] that each one is
   * @param offsets INT64 [G + 1]: row of {@code packed} where each slice begins; the last is K
   * @param role UINT8 [G, T], the ROLE constants of {@link org.medpruner.ContextualMerge}, of
   *     dropped slices too; [N] where offsets were given
   * @param assignment INT64 [G, T]: the row that stands for this one; [N] where offsets were given
   * @param keptMass float64 of each slice: kept share of the weights
   * @param flags of each slice: bits of {@link org.medpruner.SegmentFlags}
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      NDArray packed,
      NDArray rows,
      NDArray offsets,
      NDArray role,
      NDArray assignment,
      double[] keptMass,
      int[] flags) {
    /** {@return a new list of the five arrays in their order, named as here} */
    public NDList arrays() {
      return new NDList(packed, rows, offsets, role, assignment);
    }
  }

  /**
   * Prunes by masses that are there.
   *
   * @param params selection and merging; nothing is dropped by stage 1 here
   * @param features FLOAT16, BFLOAT16 or FLOAT32 [G, T, C]
   * @param mass FLOAT32 [G, T], attention mass of each token
   * @param keys FLOAT32 [G, T, d], the tokens' pooled keys
   * @return new arrays of the features' manager
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if an array is closed
   */
  public static Result byMass(Prune.Params params, NDArray features, NDArray mass, NDArray keys) {
    return byMass(params, features, mass, keys, null, null, null);
  }

  /**
   * Prunes a batch by masses that are there.
   *
   * @param params what decides
   * @param features FLOAT16, BFLOAT16 or FLOAT32 [G, T, C], with offsets [N, C]
   * @param mass FLOAT32 [G, T] or [N], attention mass of each token
   * @param keys FLOAT32 [G, T, d] or [N, d]
   * @param offsets null, or where each slice begins
   * @param segments null, or which slices stage 1 kept
   * @param volumes null, or where each volume begins
   * @return what is left, in the features' manager
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if an array is closed
   */
  public static Result byMass(
      Prune.Params params,
      NDArray features,
      NDArray mass,
      NDArray keys,
      @Nullable NDArray offsets,
      @Nullable NDArray segments,
      @Nullable NDArray volumes) {
    Batch batch = new Batch(offsets, segments, volumes);
    Extents x = batch.extents(features);
    long[] m = x.batched("mass", mass, 1);
    long[] k = x.batched("keys", keys, 2);
    Extents.check("mass", mass, m[1] == x.tokens, "[.., " + x.tokens + "] as the features");
    Extents.check("keys", keys, k[1] == x.tokens, "[.., " + x.tokens + ", d] as the features");
    try (BorrowedArray f = BorrowedArray.of("features", features);
        BorrowedArray v = BorrowedArray.of("mass", mass);
        BorrowedArray p = BorrowedArray.of("keys", keys)) {
      Prune.Scores scores = new Prune.Given(v.view(x.rows()), p.view(x.rows(), k[2]));
      return run(params, scores, features, f, x, batch);
    }
  }

  /**
   * Prunes by the attention of the encoder's last layer.
   *
   * @param params selection and merging; nothing is dropped by stage 1 here
   * @param attention how patches become tokens, and the scale of the logits
   * @param features FLOAT16, BFLOAT16 or FLOAT32 [G, T, C]
   * @param query FLOAT16, BFLOAT16 or FLOAT32 [G, P, H, d], P = T * patches per token
   * @param key as query
   * @return new arrays of the features' manager
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if an array is closed
   */
  public static Result byAttention(
      Prune.Params params,
      AttentionMass.Params attention,
      NDArray features,
      NDArray query,
      NDArray key) {
    return byAttention(params, attention, features, query, key, null, null, null);
  }

  /**
   * Prunes a batch by the attention of the encoder's last layer.
   *
   * @param params what decides
   * @param attention how patches become tokens, and the scale of the logits
   * @param features FLOAT16, BFLOAT16 or FLOAT32 [G, T, C], with offsets [N, C]
   * @param query FLOAT16, BFLOAT16 or FLOAT32 [G, P, H, d], P = T * patches per token; with offsets
   *     [P, H, d], P = N * patches per token
   * @param key as query
   * @param offsets null, or where each slice begins, in tokens
   * @param segments null, or which slices stage 1 kept
   * @param volumes null, or where each volume begins
   * @return what is left, in the features' manager
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if an array is closed
   */
  public static Result byAttention(
      Prune.Params params,
      AttentionMass.Params attention,
      NDArray features,
      NDArray query,
      NDArray key,
      @Nullable NDArray offsets,
      @Nullable NDArray segments,
      @Nullable NDArray volumes) {
    Batch batch = new Batch(offsets, segments, volumes);
    Extents x = batch.extents(features);
    long[] q = x.batched("query", query, 3);
    long patches = x.tokens * attention.pooling().patchesPerToken();
    Extents.check("query", query, q[1] == patches, "[.., " + patches + ", heads, d]");
    Extents.check(
        "key",
        key,
        key.getShape().equals(query.getShape()) && key.getDataType() == query.getDataType(),
        "as query, " + query.getDataType() + " " + query.getShape());
    try (BorrowedArray f = BorrowedArray.of("features", features);
        BorrowedArray qs = BorrowedArray.of("query", query);
        BorrowedArray ks = BorrowedArray.of("key", key);
        NativeBuffer mass = NativeBuffer.allocate(Device.CPU, DType.F32, x.rows());
        NativeBuffer pooled = NativeBuffer.allocate(Device.CPU, DType.F32, x.rows(), q[3])) {
      long[] flat = {x.slices * patches, q[2], q[3]};
      Prune.Scores scores =
          new Prune.Attended(
              attention,
              qs.view(flat),
              ks.view(flat),
              null,
              mass.view(DType.F32, x.rows()),
              pooled.view(DType.F32, x.rows(), q[3]));
      return run(params, scores, features, f, x, batch);
    }
  }

  private static Result run(
      Prune.Params params,
      Prune.Scores scores,
      NDArray features,
      BorrowedArray f,
      Extents x,
      Batch batch) {
    NDManager manager = features.getManager();
    long n = x.rows();
    int g = Math.toIntExact(batch.slices(x));
    long[] each = batch.offsets == null ? new long[] {g, x.tokens} : new long[] {n};
    // Before there are results to free.
    TensorView rows = f.view(n, x.channels);
    try (BorrowedArray given = borrowed("offsets", batch.offsets);
        BorrowedArray segments = borrowed("segments", batch.segments);
        BorrowedArray volumes = borrowed("volumes", batch.volumes);
        NativeBuffer even = NativeBuffer.allocate(Device.CPU, DType.I64, x.slices + 1);
        NativeBuffer keptMass = NativeBuffer.allocate(Device.CPU, DType.F64, g);
        NativeBuffer flags = NativeBuffer.allocate(Device.CPU, DType.U32, g);
        Workspace workspace = Workspace.create(Device.CPU);
        OutputArray packed =
            new OutputArray(manager, "packed", features.getDataType(), n, x.channels);
        OutputArray packedRows = new OutputArray(manager, "rows", DataType.INT64, n);
        OutputArray offsets = new OutputArray(manager, "offsets", DataType.INT64, g + 1);
        OutputArray role = new OutputArray(manager, "role", DataType.UINT8, each);
        OutputArray assignment = new OutputArray(manager, "assignment", DataType.INT64, each)) {
      Prune.run(
          params,
          scores,
          rows,
          given == null ? evenOffsets(even, x) : given.view(),
          segments == null ? null : segments.view(),
          volumes == null ? null : volumes.view(),
          new Prune.Outputs(
              packed.view(),
              packedRows.view(),
              offsets.view(),
              role.view(n),
              assignment.view(n),
              keptMass.view(DType.F64, g),
              flags.view(DType.U32, g)),
          workspace,
          Stream.DEFAULT);
      double[] masses = new double[g];
      keptMass.copyTo(masses);
      int[] bits = new int[g];
      flags.copyTo(MemorySegment.ofArray(bits), 0);
      NDArray ends = offsets.take();
      long kept = ends.getLong(g);
      return new Result(
          first(packed, kept),
          first(packedRows, kept),
          ends,
          role.take(),
          assignment.take(),
          masses,
          bits);
    }
  }

  private static TensorView evenOffsets(NativeBuffer buffer, Extents x) {
    long[] begins = new long[Math.toIntExact(x.slices + 1)];
    Arrays.setAll(begins, i -> i * x.tokens);
    buffer.copyFrom(begins);
    return buffer.view(DType.I64, begins.length);
  }

  private static @Nullable BorrowedArray borrowed(String name, @Nullable NDArray array) {
    return array == null ? null : BorrowedArray.of(name, array);
  }

  /** The first rows of an output, under its name; of the whole nothing stays in the manager. */
  private static NDArray first(OutputArray output, long rows) {
    try (NDArray all = output.take()) {
      NDArray some = all.get("0:" + rows);
      some.setName(all.getName());
      return some;
    }
  }

  /** What a batch is made of; what is null is as {@link Prune#run} takes it, offsets are even. */
  private record Batch(
      @Nullable NDArray offsets, @Nullable NDArray segments, @Nullable NDArray volumes) {
    /** Those of the features; with offsets their slices are one. */
    Extents extents(NDArray features) {
      Extents x = Extents.of(features);
      if (offsets != null) {
        Extents.check(
            "features", features, x.single, "[tokens, channels], since offsets are given");
        checkBounds("offsets", offsets, "slices");
      }
      long slices = slices(x);
      if (segments != null) {
        DataType type = segments.getDataType();
        boolean bytes = type == DataType.UINT8 || type == DataType.BOOLEAN;
        boolean fits = segments.getShape().equals(new Shape(slices));
        Extents.check("segments", segments, bytes && fits, "uint8 or boolean (" + slices + ")");
      }
      if (volumes != null) {
        checkBounds("volumes", volumes, "volumes");
      }
      return x;
    }

    /** Slices of features of these extents. */
    long slices(Extents x) {
      return offsets == null ? x.slices : offsets.size() - 1;
    }

    private static void checkBounds(String name, NDArray array, String what) {
      boolean fits = array.getShape().dimension() == 1 && array.size() >= 1;
      Extents.check(
          name, array, fits && array.getDataType() == DataType.INT64, "int64 (" + what + " + 1)");
    }
  }

  /** Extents of the features: slices, tokens of each, channels. */
  private record Extents(long slices, long tokens, long channels, boolean single) {
    static Extents of(NDArray features) {
      long[] s = features.getShape().getShape();
      check("features", features, s.length == 2 || s.length == 3, "[slices, tokens, channels]");
      return s.length == 2
          ? new Extents(1, s[0], s[1], true)
          : new Extents(s[0], s[1], s[2], false);
    }

    long rows() {
      return Math.multiplyExact(slices, tokens);
    }

    /** The extents of an input with {@code rank} dimensions per slice, the slices first. */
    long[] batched(String name, NDArray array, int rank) {
      long[] s = array.getShape().getShape();
      if (single && s.length == rank) {
        long[] one = new long[rank + 1];
        one[0] = 1;
        System.arraycopy(s, 0, one, 1, rank);
        return one;
      }
      check(
          name,
          array,
          !single && s.length == rank + 1 && s[0] == slices,
          single ? rank + " dimensions, as features of one slice" : "[" + slices + ", ..]");
      return s;
    }

    static void check(String name, NDArray array, boolean ok, String rule) {
      if (!ok) {
        Shape shape = array.getShape();
        throw new IllegalArgumentException(
            name + ": is " + array.getDataType() + " " + shape + ", but must be " + rule);
      }
    }
  }
}
