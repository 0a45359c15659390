package org.medpruner.vlm.pruning;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.Device;
import org.medpruner.GatherRows;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchStreams;
import org.medpruner.torch.TorchTensors;

/**
 * Stage 2: which tokens of the encoded slices stay. Attention mass is taken batch by batch while
 * the encoder runs; selection, merging and packing follow in one call over all slices of all
 * volumes, which may differ in their number of tokens. On CUDA volumes of the same extents replay
 * one recorded graph of it.
 *
 * <p>One per batch of volumes; used and closed by one thread.
 */
public final class TokenStage implements AutoCloseable {

  /**
   * What stage 2 decided for P slices of N tokens together; slice-major.
   *
   * @param mass float[N], attention mass per token, mean 1
   * @param role byte[N]: {@link ContextualMerge#ROLE_MERGED}, {@link ContextualMerge#ROLE_NUCLEUS}
   *     or {@link ContextualMerge#ROLE_TARGET}
   * @param assignment int[N], index in the slice of the token that stands for each one
   * @param keptMass double[P], share of the nucleus weights kept
   * @param flags int[P], bits of {@link org.medpruner.SegmentFlags}
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      float[] mass, byte[] role, int[] assignment, double[] keptMass, int[] flags) {

    /**
     * The result of some of the slices.
     *
     * @param firstToken token at which slice {@code from} begins
     * @param endToken token at which slice {@code to} would begin
     */
    public Result part(int from, int to, int firstToken, int endToken) {
      return new Result(
          Arrays.copyOfRange(mass, firstToken, endToken),
          Arrays.copyOfRange(role, firstToken, endToken),
          Arrays.copyOfRange(assignment, firstToken, endToken),
          Arrays.copyOfRange(keptMass, from, to),
          Arrays.copyOfRange(flags, from, to));
    }
  }

  /**
   * What stage 2 left.
   *
   * @param packed [K, C], the kept tokens' features in order, targets with what was merged into
   *     them; a temporary of the caller's scope, in the stage's memory
   * @param rows int[K], the row of the features each of them is
   * @param result how it came to this
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Pruned(Tensor packed, int[] rows, Result result) {}

  /**
   * The slices of a batch of volumes.
   *
   * @param offsets token at which each of P slices begins, from 0, and N at the end
   * @param kept per slice, whether stage 1 kept it
   * @param volumes slice at which each volume begins, from 0, and P at the end; floors and caps of
   *     a volume are of the kept slices of each
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Slices(long[] offsets, boolean[] kept, long[] volumes) {
    /** One volume of slices of {@code tokens} each, all kept. */
    public static Slices whole(int slices, int tokens) {
      boolean[] kept = new boolean[slices];
      Arrays.fill(kept, true);
      return new Slices(evenOffsets(slices, tokens), kept, new long[] {0, slices});
    }

    int count() {
      return kept.length;
    }

    long tokens() {
      return offsets[kept.length];
    }

    /** The kept slices alone, of the same volumes. */
    Slices keptOnly() {
      int[] before = new int[kept.length + 1]; // kept ones before each slice
      for (int s = 0; s < kept.length; s++) {
        before[s + 1] = before[s] + (kept[s] ? 1 : 0);
      }
      long[] starts = new long[before[kept.length] + 1];
      for (int s = 0; s < kept.length; s++) {
        if (kept[s]) {
          starts[before[s] + 1] = starts[before[s]] + offsets[s + 1] - offsets[s];
        }
      }
      boolean[] all = new boolean[starts.length - 1];
      Arrays.fill(all, true);
      return new Slices(
          starts, all, Arrays.stream(volumes).map(v -> before[Math.toIntExact(v)]).toArray());
    }

    /** Rows of the kept slices' tokens, ascending. */
    long[] keptRows() {
      return IntStream.range(0, kept.length)
          .filter(s -> kept[s])
          .boxed()
          .flatMapToLong(s -> LongStream.range(offsets[s], offsets[s + 1]))
          .toArray();
    }
  }

  private final TokenPlans plans;
  private final TokenPlan plan;
  private final @Nullable TokenStage bounded;
  private final Slices slices;
  private final Workspace workspace;
  private final Device device;

  /**
   * Of a plan.
   *
   * @param bounded null, or where the kept slices alone are pruned once more, under floors and caps
   *     of their volumes that {@code plan} does not have; owned
   */
  TokenStage(
      TokenPlans plans,
      TokenPlan plan,
      @Nullable TokenStage bounded,
      Slices slices,
      Workspace workspace) {
    this.plans = plans;
    this.plan = plan;
    this.bounded = bounded;
    this.slices = slices;
    this.workspace = workspace;
    this.device = workspace.device();
    plan.slices(slices);
  }

  private static long[] evenOffsets(int slices, int tokens) {
    long[] offsets = new long[slices + 1];
    Arrays.setAll(offsets, i -> (long) i * tokens);
    return offsets;
  }

  /**
   * Takes the attention mass of a batch.
   *
   * @param first index of its first slice
   * @param query [B, T, heads, d] of the encoder's last layer, contiguous
   * @param key as query
   * @param pooling how the T patches become the slices' tokens
   */
  public void add(int first, Tensor query, Tensor key, AttentionMass.Pooling pooling) {
    try (PointerScope scope = new PointerScope()) {
      int batch = Math.toIntExact(query.size(0));
      long patches = query.size(1);
      Tensor flags = DeviceTensors.empty(device, ScalarType.UInt32, batch);
      long row = slices.offsets[first];
      long count = slices.offsets[first + batch] - row;
      AttentionMass.run(
          AttentionMass.Params.of(pooling),
          TorchTensors.view(query.flatten(0, 1)),
          TorchTensors.view(key.flatten(0, 1)),
          null,
          TorchTensors.view(DeviceTensors.of(device, evenOffsets(batch, Math.toIntExact(patches)))),
          new AttentionMass.Outputs(
              TorchTensors.view(plan.mass.narrow(0, row, count)),
              TorchTensors.view(plan.keys.narrow(0, row, count)),
              TorchTensors.view(flags)),
          workspace,
          TorchStreams.current(device));
    }
  }

  /** Attention mass [N], F32, of the slices added so far; valid until this is closed. */
  public Tensor mass() {
    return plan.mass;
  }

  /** Pooled keys [N, d], F32, of the slices added so far; valid until this is closed. */
  public Tensor pooledKeys() {
    return plan.keys;
  }

  /** Memory for the tokens' features [N, C], the caller's to fill; valid until this is closed. */
  public Tensor features() {
    return plan.features;
  }

  /**
   * Selects the nucleus of every slice, merges the rest into its targets and packs what stays.
   *
   * @return its {@code packed} is valid until this is closed
   */
  public Pruned prune() {
    Pruned pruned = pruneAll();
    return bounded == null ? pruned : withBounds(pruned, bounded);
  }

  private Pruned pruneAll() {
    int[][] rows = new int[1][];
    Result[] result = new Result[1];
    Tensor packed =
        TorchScope.run(
            () -> {
              plan.run(TorchStreams.current(device));
              long total = TorchTensors.longs(plan.packedOffsets.narrow(0, slices.count(), 1))[0];
              rows[0] = ints(TorchTensors.longs(plan.packedRows.narrow(0, 0, total)));
              result[0] =
                  new Result(
                      TorchTensors.floats(plan.mass),
                      TorchTensors.bytes(plan.role),
                      withinSlices(ints(TorchTensors.longs(plan.assignment))),
                      TorchTensors.doubles(plan.keptMass),
                      TorchTensors.ints(plan.flags));
              return plan.packed.narrow(0, 0, total);
            });
    return new Pruned(packed, rows[0], result[0]);
  }

  /** Kept slices as {@code bounded} prunes them, dropped ones as they are. */
  private Pruned withBounds(Pruned all, TokenStage bounded) {
    long[] keptRows = slices.keptRows();
    Pruned[] part = new Pruned[1];
    long[][] rows = new long[1][];
    Tensor packed =
        TorchScope.run(
            () -> {
              Tensor index = DeviceTensors.of(device, keptRows);
              bounded.plan.mass.copy_(plan.mass.index_select(0, index));
              bounded.plan.keys.copy_(plan.keys.index_select(0, index));
              bounded.plan.features.copy_(plan.features.index_select(0, index));
              part[0] = bounded.prune();
              rows[0] = merged(all.rows, part[0].rows, keptRows);
              // The lower half of each is its place among those of both.
              long[] places = Arrays.stream(rows[0]).map(r -> r & 0xffffffffL).toArray();
              return torch
                  .cat(new TensorVector(all.packed, part[0].packed), 0)
                  .index_select(0, DeviceTensors.of(device, places));
            });
    overwrite(all.result, part[0].result);
    return new Pruned(packed, ints(Arrays.stream(rows[0]).map(r -> r >> 32).toArray()), all.result);
  }

  /** Ascending rows of dropped slices and of kept ones, each with its place in the lower half. */
  private static long[] merged(int[] all, int[] bounded, long[] keptRows) {
    LongStream dropped =
        IntStream.range(0, all.length)
            .filter(i -> Arrays.binarySearch(keptRows, all[i]) < 0)
            .mapToLong(i -> (long) all[i] << 32 | i);
    LongStream kept =
        IntStream.range(0, bounded.length)
            .mapToLong(i -> keptRows[bounded[i]] << 32 | (all.length + i));
    return LongStream.concat(dropped, kept).sorted().toArray();
  }

  /** Puts what was decided of the kept slices in its place; the mass is the same. */
  private void overwrite(Result all, Result bounded) {
    int slice = 0;
    int token = 0;
    for (int s = 0; s < slices.count(); s++) {
      if (slices.kept[s]) {
        int at = Math.toIntExact(slices.offsets[s]);
        int count = Math.toIntExact(slices.offsets[s + 1]) - at;
        System.arraycopy(bounded.role, token, all.role, at, count);
        System.arraycopy(bounded.assignment, token, all.assignment, at, count);
        all.keptMass[s] = bounded.keptMass[slice];
        all.flags[s] = bounded.flags[slice];
        slice++;
        token += count;
      }
    }
  }

  private static int[] ints(long[] values) {
    int[] result = new int[values.length];
    Arrays.setAll(result, i -> Math.toIntExact(values[i]));
    return result;
  }

  /** Token indices counted from the beginning of their slice; changes the array. */
  private int[] withinSlices(int[] tokens) {
    long[] offsets = slices.offsets;
    for (int s = 0; s < slices.count(); s++) {
      for (long t = offsets[s]; t < offsets[s + 1]; t++) {
        tokens[(int) t] -= (int) offsets[s];
      }
    }
    return tokens;
  }

  /**
   * Packs rows densely, in the order given; where stage 2 is off.
   *
   * @param source [N, C]
   * @param rows at most N of them
   * @return [K, C], a temporary of the caller's scope
   */
  public static Tensor pack(Tensor source, int[] rows, Workspace workspace) {
    return TorchScope.run(
        () -> {
          Device device = TorchTensors.device(source);
          long[] indices = new long[Math.toIntExact(source.size(0))];
          for (int i = 0; i < rows.length; i++) {
            indices[i] = rows[i];
          }
          Tensor packed =
              DeviceTensors.empty(
                  device, source.scalar_type().intern(), rows.length, source.size(1));
          GatherRows.run(
              GatherRows.Params.DEFAULT,
              TorchTensors.view(source),
              TorchTensors.view(DeviceTensors.of(device, indices)),
              TorchTensors.view(DeviceTensors.of(device, new long[] {rows.length})),
              TorchTensors.view(DeviceTensors.of(device, new long[] {0, indices.length})),
              new GatherRows.Outputs(
                  TorchTensors.view(packed),
                  TorchTensors.view(DeviceTensors.empty(device, ScalarType.Long, 2)),
                  TorchTensors.view(DeviceTensors.empty(device, ScalarType.UInt32, 1))),
              workspace,
              TorchStreams.current(device));
          return packed;
        });
  }

  /** Gives the memory back. */
  @Override
  public void close() {
    plans.give(plan);
    if (bounded != null) {
      bounded.close();
    }
  }
}
