package org.medpruner.vlm.pruning;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.AttentionMass;
import org.medpruner.Device;
import org.medpruner.GatherRows;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.DroppedSlice;
import org.medpruner.PruningPolicy.NucleusScore;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchStreams;
import org.medpruner.torch.TorchTensors;

/**
 * Stage 2: which tokens of the encoded slices stay. Attention mass is taken batch by batch while
 * the encoder runs; selection, merging and packing follow in one call over all slices.
 *
 * <p>One per volume; used and closed by one thread.
 */
public final class TokenStage implements AutoCloseable {

  /**
   * What stage 2 decided for P slices of n tokens; slice-major.
   *
   * @param mass float[P * n], attention mass per token, mean 1
   * @param role byte[P * n], 0 merged away, 1 nucleus, 2 contextual target
   * @param assignment int[P * n], index in the slice of the token that stands for each one
   * @param keptMass double[P], share of the nucleus weights kept
   * @param flags int[P], bits of {@link org.medpruner.SegmentFlags}
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      float[] mass, byte[] role, int[] assignment, double[] keptMass, int[] flags) {}

  /**
   * What stage 2 left.
   *
   * @param packed [K, C], the kept tokens' features in order, targets with what was merged into
   *     them; a temporary of the caller's scope
   * @param rows int[K], the row of the features each of them is
   * @param result how it came to this
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Pruned(Tensor packed, int[] rows, Result result) {}

  private final Device device;
  private final int slices;
  private final int tokens;
  private final AttentionMass.Params params;
  private final Workspace workspace;
  private final Tensor mass;
  private final Tensor keys;

  /**
   * An empty stage.
   *
   * @param slices P, the slices that will be encoded
   * @param tokens n, tokens of a slice
   * @param headDim d, width of the encoder's attention heads
   * @param pooling how patches become tokens
   * @param workspace not owned
   */
  public TokenStage(
      Device device,
      int slices,
      int tokens,
      int headDim,
      AttentionMass.Pooling pooling,
      Workspace workspace) {
    this.device = device;
    this.slices = slices;
    this.tokens = tokens;
    this.params = AttentionMass.Params.of(pooling);
    this.workspace = workspace;
    long rows = Math.multiplyExact((long) slices, tokens);
    mass =
        TorchScope.detach(
            TorchScope.run(() -> DeviceTensors.empty(device, ScalarType.Float, rows)));
    keys =
        TorchScope.detach(
            TorchScope.run(() -> DeviceTensors.empty(device, ScalarType.Float, rows, headDim)));
  }

  /**
   * Takes the attention mass of a batch.
   *
   * @param first index of its first slice
   * @param query [B, T, heads, d] of the encoder's last layer, contiguous
   * @param key as query
   */
  public void add(int first, Tensor query, Tensor key) {
    try (PointerScope scope = new PointerScope()) {
      int batch = Math.toIntExact(query.size(0));
      long patches = query.size(1);
      Tensor flags = DeviceTensors.empty(device, ScalarType.UInt32, batch);
      long row = (long) first * tokens;
      long count = (long) batch * tokens;
      AttentionMass.run(
          params,
          TorchTensors.view(query.flatten(0, 1)),
          TorchTensors.view(key.flatten(0, 1)),
          null,
          TorchTensors.view(DeviceTensors.offsets(device, batch, patches)),
          new AttentionMass.Outputs(
              TorchTensors.view(mass.narrow(0, row, count)),
              TorchTensors.view(keys.narrow(0, row, count)),
              TorchTensors.view(flags)),
          workspace,
          TorchStreams.current(device));
    }
  }

  /** Attention mass [P * n], F32, of the slices added so far; belongs to this object. */
  public Tensor mass() {
    return mass;
  }

  /** Pooled keys [P * n, d], F32, of the slices added so far; belongs to this object. */
  public Tensor pooledKeys() {
    return keys;
  }

  /**
   * Selects the nucleus of every slice, merges the rest into its targets and packs what stays.
   *
   * @param policy tau, score, temperature (&gt; 0), ratio, floors and caps, and what a dropped
   *     slice leaves
   * @param features [P * n, C]; not changed
   * @param kept per slice, whether stage 1 kept it
   */
  public Pruned prune(PruningPolicy policy, Tensor features, boolean[] kept) {
    int[][] rows = new int[1][];
    Result[] result = new Result[1];
    Tensor packed =
        TorchScope.run(
            () -> {
              long n = (long) slices * tokens;
              Tensor all =
                  DeviceTensors.empty(device, features.scalar_type().intern(), n, features.size(1));
              Tensor packedRows = DeviceTensors.empty(device, ScalarType.Long, n);
              Tensor offsets = DeviceTensors.empty(device, ScalarType.Long, slices + 1);
              Tensor role = DeviceTensors.empty(device, ScalarType.Byte, n);
              Tensor assignment = DeviceTensors.empty(device, ScalarType.Long, n);
              Tensor keptMass = DeviceTensors.empty(device, ScalarType.Double, slices);
              Tensor flags = DeviceTensors.empty(device, ScalarType.UInt32, slices);
              Prune.run(
                  params(policy),
                  new Prune.Given(TorchTensors.view(mass), TorchTensors.view(keys)),
                  TorchTensors.view(features),
                  TorchTensors.view(DeviceTensors.offsets(device, slices, tokens)),
                  TorchTensors.view(DeviceTensors.of(device, kept)),
                  null,
                  new Prune.Outputs(
                      TorchTensors.view(all),
                      TorchTensors.view(packedRows),
                      TorchTensors.view(offsets),
                      TorchTensors.view(role),
                      TorchTensors.view(assignment),
                      TorchTensors.view(keptMass),
                      TorchTensors.view(flags)),
                  workspace,
                  TorchStreams.current(device));
              long total = TorchTensors.longs(offsets.narrow(0, slices, 1))[0];
              rows[0] = ints(TorchTensors.longs(packedRows.narrow(0, 0, total)), n);
              result[0] =
                  new Result(
                      TorchTensors.floats(mass),
                      TorchTensors.bytes(role),
                      ints(TorchTensors.longs(assignment), tokens),
                      TorchTensors.doubles(keptMass),
                      TorchTensors.ints(flags));
              Tensor used = all.narrow(0, 0, total);
              // The volume holds this for as long as it is asked about: not the rows past the
              // total.
              return total <= n / 2 ? used.clone() : used;
            });
    return new Pruned(packed, rows[0], result[0]);
  }

  private static Prune.Params params(PruningPolicy policy) {
    NucleusSelect.Params nucleus =
        new NucleusSelect.Params(
            policy.score() == NucleusScore.MASS
                ? NucleusSelect.Score.MASS
                : NucleusSelect.Score.SOFTMAX,
            policy.tau(),
            policy.temperature(),
            policy.minTokens(),
            policy.maxTokens(),
            policy.volumeMinTokens(),
            policy.volumeMaxTokens());
    return Prune.Params.of(nucleus, policy.contextualRatio())
        .withDroppedTokens(policy.droppedSlice() == DroppedSlice.CORNER_TOKEN ? 1 : 0);
  }

  /** Values modulo {@code modulus}. */
  private static int[] ints(long[] values, long modulus) {
    int[] result = new int[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = Math.toIntExact(values[i] % modulus);
    }
    return result;
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

  @Override
  public void close() {
    mass.close();
    keys.close();
  }
}
