package org.medpruner.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A results file, as {@code bench/results.schema.json} describes it field by field. Times are in
 * seconds, sizes in bytes, rates per second.
 */
public record Report(
    String format,
    String program,
    String created,
    String command,
    Commit commit,
    Machine machine,
    @Nullable Gpu gpu,
    List<Ceiling> ceilings,
    List<Row> rows) {
  /** The value of {@link #format}. */
  public static final String FORMAT = "medpruner-bench/1";

  /** What was measured; dirty when tracked files differ from it, results aside. */
  public record Commit(String id, boolean dirty) {}

  /** The host. */
  public record Machine(
      String cpu,
      int cores,
      String isa,
      int threads,
      long memoryBytes,
      String os,
      String compiler,
      @Nullable String jdk,
      @Nullable String torch) {}

  /** The device of the rows whose backend is "cuda". */
  public record Gpu(
      String name,
      String compute,
      int multiprocessors,
      long memoryBytes,
      @Nullable String driver,
      String cuda) {}

  /** What a plain loop did in this run, by the median of its runs. */
  public record Ceiling(
      String name, String backend, double value, String unit, Timing seconds, String how) {}

  /** One op at one size. */
  public record Row(
      String op,
      @JsonProperty("case") String name,
      String shape,
      String dtype,
      String backend,
      long bytes,
      long flops,
      Timing seconds,
      @Nullable Share ceiling,
      @Nullable Memory memory,
      List<Baseline> baselines,
      List<Verdict> bars,
      String check) {
    Row withBars(List<Verdict> verdicts) {
      return new Row(
          op, name, shape, dtype, backend, bytes, flops, seconds, ceiling, memory, baselines,
          verdicts, check);
    }
  }

  /** How much of a ceiling of this run was reached. */
  public record Share(String name, double percent) {}

  /**
   * Memory beyond inputs and outputs.
   *
   * @param workspaceBytes what the op asks for
   * @param peakBytes growth of the process's resident memory while it ran; null where unknown
   */
  public record Memory(long workspaceBytes, @Nullable Long peakBytes) {}

  /** Something else that gives the same result, timed in turns with the row. */
  public record Baseline(
      String name, String how, Timing seconds, double ratio, @Nullable Long peakBytes) {}

  /** A bar and whether this row clears it. */
  public record Verdict(
      String id,
      String text,
      String metric,
      @Nullable String over,
      double limit,
      double figure,
      boolean met) {}

  static Report read(Path file) throws IOException {
    return ResultsFile.json().readValue(file.toFile(), Report.class);
  }

  void write(Path file) throws IOException {
    ResultsFile.write(this, file);
  }
}
