package org.medpruner.bench.model;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.bench.Report;
import org.medpruner.bench.ResultsFile;

/**
 * A results file, as {@code bench/model.schema.json} describes it field by field. Times are in
 * seconds, sizes in bytes.
 */
record ModelReport(
    String format,
    String created,
    String command,
    Report.Commit commit,
    Report.Machine machine,
    @JsonInclude(JsonInclude.Include.NON_NULL) Report.@Nullable Gpu gpu,
    Checkpoint checkpoint,
    List<Run> runs) {
  /** The value of {@link #format}. */
  static final String FORMAT = "medpruner-model/1";

  /** What was loaded. */
  record Checkpoint(String name, boolean random, String storageType, long parameters, long bytes) {}

  /** One process that loaded the model, encoded and pruned slices, and decoded. */
  record Run(
      String compute,
      String device,
      int slices,
      int slicesKept,
      int visualTokens,
      int promptTokens,
      int unprunedPromptTokens,
      Seconds seconds,
      Memory memory) {}

  /** How long each part took. */
  record Seconds(
      double load,
      double anchor,
      double encode,
      double prune,
      double prefill,
      List<Double> decodeSteps) {}

  /** Resident memory, see {@link ProcessMemory}, and that of the device where there is one. */
  record Memory(
      long peakBytes,
      long peakAnonymousBytes,
      long peakFileBytes,
      long kvBytes,
      @JsonInclude(JsonInclude.Include.NON_NULL) CostReport.@Nullable DeviceMemory device) {}

  void write(Path file) throws IOException {
    ResultsFile.write(this, file);
  }
}
