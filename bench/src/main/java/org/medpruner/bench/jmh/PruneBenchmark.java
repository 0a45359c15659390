package org.medpruner.bench.jmh;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.GatherRows;
import org.medpruner.NativeBuffer;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;
import org.medpruner.bench.Inputs;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Stage 2 in one call, from given masses and end to end, against the ops one after the other. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class PruneBenchmark {
  private static final int GROUP = 16;
  private static final double RATIO = 0.05;

  @Param("4")
  int segments;

  /** Of each segment, with 16 times as many patches. */
  @Param("64")
  int tokens;

  @Param("2560")
  int channels;

  @Param("16")
  int heads;

  @Param("72")
  int headDim;

  private final NucleusSelect.Params nucleus = NucleusSelect.Params.softmax(0.9, 2);
  private final ContextualMerge.Params merge = new ContextualMerge.Params(RATIO);
  private final Prune.Params params = Prune.Params.of(nucleus, RATIO);
  private final AttentionMass.Params attention =
      AttentionMass.Params.of(new AttentionMass.Contiguous(GROUP));
  private final List<NativeBuffer> buffers = new ArrayList<>();
  private Workspace workspace;
  private TensorView query;
  private TensorView key;
  private TensorView features;
  private TensorView mass;
  private TensorView keys;
  private TensorView offsets;
  private TensorView patchOffsets;
  private Prune.Outputs pruned;
  private AttentionMass.Outputs scored;
  private NucleusSelect.Outputs selected;
  private ContextualMerge.Outputs merged;
  private GatherRows.Outputs gathered;

  /** Fills the buffers; the masses are those of the queries and keys. */
  @Setup(Level.Trial)
  public void open() {
    int n = segments * tokens;
    int rows = n * GROUP;
    workspace = Workspace.create(Device.CPU);
    query = normal(21, rows, heads, headDim);
    key = normal(22, rows, heads, headDim);
    features = normal(31, n, channels);
    offsets = offsets(tokens);
    patchOffsets = offsets(tokens * GROUP);
    mass = empty(DType.F32, n);
    keys = empty(DType.F32, n, headDim);
    TensorView massFlags = empty(DType.U32, segments);
    scored = new AttentionMass.Outputs(mass, keys, massFlags);
    pruned =
        Prune.Outputs.in(
            bytes(Prune.Outputs.bytes(DType.F32, n, channels, n, segments)),
            DType.F32,
            n,
            channels,
            n,
            segments);
    selected =
        NucleusSelect.Outputs.in(bytes(NucleusSelect.Outputs.bytes(n, segments)), n, segments);
    merged =
        ContextualMerge.Outputs.in(
            bytes(ContextualMerge.Outputs.bytes(n, segments)),
            empty(DType.F32, n, channels),
            n,
            segments);
    gathered =
        new GatherRows.Outputs(
            empty(DType.F32, n, channels),
            empty(DType.I64, segments + 1),
            empty(DType.U32, segments));
    massOp();
    nucleusOp();
  }

  private NativeBuffer keep(NativeBuffer buffer) {
    buffers.add(buffer);
    return buffer;
  }

  private NativeBuffer bytes(long bytes) {
    return keep(NativeBuffer.allocate(Device.CPU, bytes));
  }

  private TensorView empty(DType dtype, long... shape) {
    return keep(NativeBuffer.allocate(Device.CPU, dtype, shape)).view(dtype, shape);
  }

  private TensorView normal(long seed, long... shape) {
    long count = 1;
    for (long extent : shape) {
      count *= extent;
    }
    NativeBuffer buffer = keep(NativeBuffer.allocate(Device.CPU, DType.F32, shape));
    buffer.copyFrom(Inputs.normal(Math.toIntExact(count), seed));
    return buffer.view(DType.F32, shape);
  }

  private TensorView offsets(int length) {
    NativeBuffer buffer = keep(NativeBuffer.allocate(Device.CPU, DType.I64, segments + 1));
    buffer.copyFrom(Inputs.offsets(segments, length));
    return buffer.view(DType.I64, segments + 1);
  }

  /** Frees the buffers. */
  @TearDown(Level.Trial)
  public void close() {
    buffers.forEach(NativeBuffer::close);
    workspace.close();
  }

  private void massOp() {
    AttentionMass.run(attention, query, key, null, patchOffsets, scored, workspace, Stream.DEFAULT);
  }

  private void nucleusOp() {
    NucleusSelect.run(nucleus, mass, offsets, null, selected, workspace, Stream.DEFAULT);
  }

  private Prune.Outputs prune(Prune.Scores scores) {
    Prune.run(params, scores, features, offsets, null, null, pruned, workspace, Stream.DEFAULT);
    return pruned;
  }

  /** Contextual merge and gather, the nuclei given. */
  @Benchmark
  public GatherRows.Outputs mergeAndGather() {
    ContextualMerge.run(
        merge, features, keys, selected.mask(), offsets, merged, workspace, Stream.DEFAULT);
    GatherRows.run(
        GatherRows.Params.DEFAULT,
        merged.merged(),
        merged.keptIndices(),
        merged.keptCounts(),
        offsets,
        gathered,
        workspace,
        Stream.DEFAULT);
    return gathered;
  }

  /** Selection, merge and gather in one call, the masses given. */
  @Benchmark
  public Prune.Outputs pruneGiven() {
    return prune(new Prune.Given(mass, keys));
  }

  /** The same as {@link #pruneGiven} op by op. */
  @Benchmark
  public GatherRows.Outputs opsGiven() {
    nucleusOp();
    return mergeAndGather();
  }

  /** All of stage 2 in one call. */
  @Benchmark
  public Prune.Outputs stage2() {
    return prune(new Prune.Attended(attention, query, key, null, mass, keys));
  }

  /** The same as {@link #stage2} op by op. */
  @Benchmark
  public GatherRows.Outputs stage2Ops() {
    massOp();
    return opsGiven();
  }
}
