package org.medpruner.bench.model;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.bench.Report;
import org.medpruner.bench.ResultsFile;
import org.medpruner.bench.Timing;

/**
 * A results file, as {@code bench/cost.schema.json} describes it field by field. Times are in
 * seconds, sizes in bytes.
 */
record CostReport(
    String format,
    String created,
    String command,
    Report.Commit commit,
    Report.Machine machine,
    @JsonInclude(JsonInclude.Include.NON_NULL) Report.@Nullable Gpu gpu,
    ModelReport.Checkpoint checkpoint,
    String compute,
    String device,
    List<Stages> stages,
    List<Load> load) {
  /** The value of {@link #format}. */
  static final String FORMAT = "medpruner-cost/1";

  /** What one request takes, alone on the machine. */
  record Stages(
      String compute,
      String device,
      int slices,
      String setting,
      int slicesKept,
      int visualTokens,
      int promptTokens,
      Seconds seconds,
      Memory memory) {}

  /** Each over the same turns. */
  record Seconds(
      Timing anchor,
      Timing encode,
      Timing prune,
      Timing prefill,
      Timing decodeStep,
      Timing total) {}

  /** Of the first request of its process under this setting; the pruned one comes first. */
  record Memory(
      long peakBytes,
      long peakAnonymousBytes,
      long kvBytes,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable DeviceMemory device) {}

  /**
   * Of the device since LibTorch's allocator had given back what it did not need, weights included.
   *
   * @param peakBytes of LibTorch's tensors at once
   * @param reservedBytes most that its allocator held
   * @param inUseBytes all the driver had given out at the end
   */
  record DeviceMemory(long peakBytes, long reservedBytes, long inUseBytes) {}

  /** What requests that come all at once take. */
  record Load(
      int slices,
      String setting,
      int concurrency,
      int instances,
      int threadsPerInstance,
      int requests,
      double seconds,
      double requestsPerSecond,
      Timing latency,
      long peakBytes,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable DeviceMemory device) {}

  void write(Path file) throws IOException {
    ResultsFile.write(this, file);
  }
}
