package org.medpruner.bench.jmh;

import java.util.Arrays;
import java.util.Comparator;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.NucleusSelect;
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

/** The nucleus of a batch of slices: the native op against softmax, stable sort and running sum. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class NucleusSelectBenchmark {
  @Param({"256", "1024"})
  int tokens;

  @Param("32")
  int segments;

  private final NucleusSelect.Params params = NucleusSelect.Params.softmax(0.9, 2);
  private float[] data = {};
  private NativeBuffer input;
  private NativeBuffer offsetBuffer;
  private NativeBuffer outputBuffer;
  private Workspace workspace;
  private TensorView scores;
  private TensorView offsets;
  private NucleusSelect.Outputs outputs;

  /** Fills the buffers. */
  @Setup(Level.Trial)
  public void open() {
    int n = segments * tokens;
    data = Inputs.masses(segments, tokens);
    input = NativeBuffer.allocate(Device.CPU, DType.F32, n);
    input.copyFrom(data);
    offsetBuffer = NativeBuffer.allocate(Device.CPU, DType.I64, segments + 1);
    offsetBuffer.copyFrom(Inputs.offsets(segments, tokens));
    outputBuffer = NativeBuffer.allocate(Device.CPU, NucleusSelect.Outputs.bytes(n, segments));
    workspace = Workspace.create(Device.CPU);
    scores = input.view(DType.F32, n);
    offsets = offsetBuffer.view(DType.I64, segments + 1);
    outputs = NucleusSelect.Outputs.in(outputBuffer, n, segments);
  }

  /** Frees the buffers. */
  @TearDown(Level.Trial)
  public void close() {
    input.close();
    offsetBuffer.close();
    outputBuffer.close();
    workspace.close();
  }

  /** The native CPU op: exact integer weights. */
  @Benchmark
  public NucleusSelect.Outputs medpruner() {
    NucleusSelect.run(params, scores, offsets, null, outputs, workspace, Stream.DEFAULT);
    return outputs;
  }

  /** The published recipe in doubles, with a stable sort. */
  @Benchmark
  public int sortAndSum() {
    int kept = 0;
    for (int s = 0; s < segments; s++) {
      int begin = s * tokens;
      double[] weight = new double[tokens];
      double total = 0;
      for (int i = 0; i < tokens; i++) {
        weight[i] = Math.exp(data[begin + i] / 2.0);
        total += weight[i];
      }
      Integer[] order = IntStream.range(0, tokens).boxed().toArray(Integer[]::new);
      Arrays.sort(order, Comparator.comparingDouble((Integer i) -> -weight[i]));
      double sum = 0;
      for (int i : order) {
        kept++;
        sum += weight[i];
        if (sum >= 0.9 * total) {
          break;
        }
      }
    }
    return kept;
  }
}
