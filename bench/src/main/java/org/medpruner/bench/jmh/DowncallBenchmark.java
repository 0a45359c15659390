package org.medpruner.bench.jmh;

import java.util.concurrent.TimeUnit;
import org.medpruner.MedPruner;
import org.medpruner.bench.AbiVersion;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a call into the library costs. The bar against an empty C call is in the table of bars. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class DowncallBenchmark {
  /** The entry without arguments, by a constant handle. */
  @Benchmark
  public int medpruner() {
    return AbiVersion.call();
  }

  /** A call through the public API that ends in the same kind of entry. */
  @Benchmark
  public int publicApi() {
    return MedPruner.cpuThreads();
  }

  /** The same loop without a call. */
  @Benchmark
  public int nothing() {
    return 1;
  }
}
