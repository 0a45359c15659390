package org.medpruner.bench.jmh;

import java.util.concurrent.TimeUnit;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.SliceAnchor;
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

/** Stage 1 on 8-bit slices: the native op against the same chain as a plain Java loop. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class SliceAnchorBenchmark {
  @Param({"24", "85"})
  int depth;

  /** Side of the square RGB picture: the demo model's and a middling one. */
  @Param({"112", "448"})
  int side;

  private final SliceAnchor.Params params =
      SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE);
  private byte[] data = {};
  private NativeBuffer input;
  private NativeBuffer offsetBuffer;
  private NativeBuffer outputBuffer;
  private Workspace workspace;
  private TensorView slices;
  private TensorView offsets;
  private SliceAnchor.Outputs outputs;

  /** Fills the buffers. */
  @Setup(Level.Trial)
  public void open() {
    int values = side * side * 3;
    data = Inputs.slices(depth, values);
    input = NativeBuffer.allocate(Device.CPU, DType.U8, depth, values);
    input.copyFrom(data);
    offsetBuffer = NativeBuffer.allocate(Device.CPU, DType.I64, 2);
    offsetBuffer.copyFrom(new long[] {0, depth});
    outputBuffer = NativeBuffer.allocate(Device.CPU, SliceAnchor.Outputs.bytes(depth, 1));
    workspace = Workspace.create(Device.CPU);
    slices = input.view(DType.U8, depth, values);
    offsets = offsetBuffer.view(DType.I64, 2);
    outputs = SliceAnchor.Outputs.in(outputBuffer, depth, 1);
  }

  /** Frees the buffers. */
  @TearDown(Level.Trial)
  public void close() {
    input.close();
    offsetBuffer.close();
    outputBuffer.close();
    workspace.close();
  }

  /** The native CPU op. */
  @Benchmark
  public SliceAnchor.Outputs medpruner() {
    SliceAnchor.run(params, slices, offsets, outputs, workspace, Stream.DEFAULT);
    return outputs;
  }

  /** The chain as a Java programmer would write it. */
  @Benchmark
  public int plainJava() {
    int values = side * side * 3;
    int kept = 1;
    int anchor = 0;
    for (int i = 1; i < depth; i++) {
      long sum = 0;
      int a = anchor * values;
      int b = i * values;
      for (int j = 0; j < values; j++) {
        sum += Math.abs((data[a + j] & 0xff) - (data[b + j] & 0xff));
      }
      if ((float) (SliceAnchor.U8_SCALE * ((double) sum / values)) > 0.05f) {
        anchor = i;
        kept++;
      }
    }
    return kept;
  }
}
