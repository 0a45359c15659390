package org.medpruner.bench.jmh;

import java.util.concurrent.TimeUnit;
import org.medpruner.AttentionMass;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
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

/** Attention column mass of one slice: the native op against the T x T matrix in plain Java. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-Xmx2g"})
public class AttentionMassBenchmark {
  /** Side of the patch grid: the demo model's, and half of SigLIP's at 896 px. */
  @Param({"16", "32"})
  int grid;

  @Param("4")
  int heads;

  @Param("72")
  int headDim;

  private float[] query = {};
  private float[] key = {};
  private NativeBuffer buffer;
  private NativeBuffer offsetBuffer;
  private NativeBuffer outputBuffer;
  private Workspace workspace;
  private TensorView q;
  private TensorView k;
  private TensorView offsets;
  private AttentionMass.Params params;
  private AttentionMass.Outputs outputs;

  /** Fills the buffers. */
  @Setup(Level.Trial)
  public void open() {
    int patches = grid * grid;
    int values = patches * heads * headDim;
    query = Inputs.normal(values, 21);
    key = Inputs.normal(values, 22);
    buffer = NativeBuffer.allocate(Device.CPU, 2L * values * Float.BYTES);
    q = buffer.view(DType.F32, patches, heads, headDim);
    k = buffer.viewAt((long) values * Float.BYTES, DType.F32, patches, heads, headDim);
    float[] both = new float[2 * values];
    System.arraycopy(query, 0, both, 0, values);
    System.arraycopy(key, 0, both, values, values);
    buffer.copyFrom(both);
    offsetBuffer = NativeBuffer.allocate(Device.CPU, DType.I64, 2);
    offsetBuffer.copyFrom(new long[] {0, patches});
    offsets = offsetBuffer.view(DType.I64, 2);
    int tokens = patches / 4;
    outputBuffer =
        NativeBuffer.allocate(Device.CPU, AttentionMass.Outputs.bytes(tokens, headDim, 1));
    outputs = AttentionMass.Outputs.in(outputBuffer, tokens, headDim, 1);
    params = AttentionMass.Params.of(new AttentionMass.Grid(grid, grid, 2, 2));
    workspace = Workspace.create(Device.CPU);
  }

  /** Frees the buffers. */
  @TearDown(Level.Trial)
  public void close() {
    buffer.close();
    offsetBuffer.close();
    outputBuffer.close();
    workspace.close();
  }

  /** The native CPU op: O(H * T) memory. */
  @Benchmark
  public AttentionMass.Outputs medpruner() {
    AttentionMass.run(params, q, k, null, offsets, outputs, workspace, Stream.DEFAULT);
    return outputs;
  }

  /** Row by row in plain Java, unpooled. */
  @Benchmark
  public float[] plainJava() {
    int patches = grid * grid;
    float[] mass = new float[patches];
    float[] row = new float[patches];
    float scale = (float) (1 / Math.sqrt(headDim));
    for (int h = 0; h < heads; h++) {
      for (int i = 0; i < patches; i++) {
        float max = Float.NEGATIVE_INFINITY;
        for (int j = 0; j < patches; j++) {
          float dot = 0;
          for (int c = 0; c < headDim; c++) {
            dot += query[(i * heads + h) * headDim + c] * key[(j * heads + h) * headDim + c];
          }
          row[j] = dot * scale;
          max = Math.max(max, row[j]);
        }
        float sum = 0;
        for (int j = 0; j < patches; j++) {
          row[j] = (float) Math.exp(row[j] - max);
          sum += row[j];
        }
        for (int j = 0; j < patches; j++) {
          mass[j] += row[j] / (sum * heads);
        }
      }
    }
    return mass;
  }
}
