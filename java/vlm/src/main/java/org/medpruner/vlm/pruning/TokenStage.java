package org.medpruner.vlm.pruning;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.Device;
import org.medpruner.GatherRows;
import org.medpruner.NucleusSelect;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.NucleusScore;
import org.medpruner.TensorView;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchStreams;
import org.medpruner.torch.TorchTensors;

/**
 * Stage 2: which tokens of the encoded slices stay. Attention mass is taken batch by batch while
 * the encoder runs; selection and merging follow over all slices at once.
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
   * @param nucleusFlags int[P], bits of {@link org.medpruner.SegmentFlags} from the selection
   * @param mergeFlags int[P], bits of {@link org.medpruner.SegmentFlags} from the merge
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      float[] mass,
      byte[] role,
      int[] assignment,
      double[] keptMass,
      int[] nucleusFlags,
      int[] mergeFlags) {}

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
   * Selects the nucleus of every slice and merges the rest into its targets.
   *
   * @param policy tau, score, temperature (&gt; 0), ratio, floors and caps
   * @param features [P * n, C], changed in place: targets become their merged features
   */
  public Result prune(PruningPolicy policy, Tensor features) {
    try (PointerScope scope = new PointerScope()) {
      long rows = (long) slices * tokens;
      TensorView offsets = TorchTensors.view(DeviceTensors.offsets(device, slices, tokens));
      Tensor mask = DeviceTensors.empty(device, ScalarType.Byte, rows);
      Tensor indices = DeviceTensors.empty(device, ScalarType.Long, rows);
      Tensor counts = DeviceTensors.empty(device, ScalarType.Long, slices);
      Tensor keptMass = DeviceTensors.empty(device, ScalarType.Double, slices);
      Tensor nucleusFlags = DeviceTensors.empty(device, ScalarType.UInt32, slices);
      NucleusSelect.run(
          new NucleusSelect.Params(
              policy.score() == NucleusScore.MASS
                  ? NucleusSelect.Score.MASS
                  : NucleusSelect.Score.SOFTMAX,
              policy.tau(),
              policy.temperature(),
              policy.minTokens(),
              policy.maxTokens(),
              policy.volumeMinTokens(),
              policy.volumeMaxTokens()),
          TorchTensors.view(mass),
          offsets,
          null,
          new NucleusSelect.Outputs(
              TorchTensors.view(mask),
              TorchTensors.view(indices),
              TorchTensors.view(counts),
              TorchTensors.view(keptMass),
              TorchTensors.view(nucleusFlags)),
          workspace,
          TorchStreams.current(device));
      Tensor role = DeviceTensors.empty(device, ScalarType.Byte, rows);
      Tensor assignment = DeviceTensors.empty(device, ScalarType.Long, rows);
      Tensor mergeFlags = DeviceTensors.empty(device, ScalarType.UInt32, slices);
      TensorView merged = TorchTensors.view(features);
      ContextualMerge.run(
          new ContextualMerge.Params(policy.contextualRatio()),
          merged,
          TorchTensors.view(keys),
          TorchTensors.view(mask),
          offsets,
          new ContextualMerge.Outputs(
              merged,
              TorchTensors.view(role),
              TorchTensors.view(assignment),
              TorchTensors.view(indices),
              TorchTensors.view(counts),
              TorchTensors.view(mergeFlags)),
          workspace,
          TorchStreams.current(device));
      long[] rowsOf = TorchTensors.longs(assignment);
      int[] local = new int[rowsOf.length];
      for (int i = 0; i < local.length; i++) {
        local[i] = Math.toIntExact(rowsOf[i] % tokens);
      }
      return new Result(
          TorchTensors.floats(mass),
          TorchTensors.bytes(role),
          local,
          TorchTensors.doubles(keptMass),
          TorchTensors.ints(nucleusFlags),
          TorchTensors.ints(mergeFlags));
    }
  }

  /**
   * Packs kept rows densely, in order.
   *
   * @param source [P * n, C]
   * @param keep P * n entries, whether a row stays
   * @return [K, C], a temporary of the caller's scope
   */
  public static Tensor pack(
      Tensor source, boolean[] keep, int slices, int tokens, Workspace workspace) {
    return TorchScope.run(
        () -> {
          Device device = TorchTensors.device(source);
          long[] indices = new long[keep.length];
          long[] counts = new long[slices];
          long total = 0;
          for (int s = 0; s < slices; s++) {
            int first = s * tokens;
            int n = 0;
            for (int t = first; t < first + tokens; t++) {
              if (keep[t]) {
                indices[first + n++] = t;
              }
            }
            counts[s] = n;
            total += n;
          }
          Tensor packed =
              DeviceTensors.empty(device, source.scalar_type().intern(), total, source.size(1));
          GatherRows.run(
              GatherRows.Params.DEFAULT,
              TorchTensors.view(source),
              TorchTensors.view(DeviceTensors.of(device, indices)),
              TorchTensors.view(DeviceTensors.of(device, counts)),
              TorchTensors.view(DeviceTensors.offsets(device, slices, tokens)),
              new GatherRows.Outputs(
                  TorchTensors.view(packed),
                  TorchTensors.view(DeviceTensors.empty(device, ScalarType.Long, slices + 1)),
                  TorchTensors.view(DeviceTensors.empty(device, ScalarType.UInt32, slices))),
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
