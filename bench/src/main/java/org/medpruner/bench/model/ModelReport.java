package org.medpruner.bench.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.medpruner.bench.Report;

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

  /** Resident memory; see {@link ProcessMemory}. */
  record Memory(long peakBytes, long peakAnonymousBytes, long peakFileBytes, long kvBytes) {}

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  static ObjectMapper json() {
    return JSON;
  }

  void write(Path file) throws IOException {
    write(this, file);
  }

  /** Writes beside the file first, so that nothing leaves half of one. */
  static void write(Object report, Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.writeString(part, JSON.writeValueAsString(report) + "\n");
    Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }
}
