package org.medpruner.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Files to write. */
final class OutputOptions {
  @Option(
      names = "--json",
      paramLabel = "FILE",
      description =
          "Write the audit record (docs/audit.schema.json); of several volumes, an array of them.")
  @Nullable Path json;

  @Option(
      names = "--report",
      paramLabel = "DIR",
      description =
          "Write DIR/report.html, one page with pictures, tokens and savings; of several volumes,"
              + " DIR/report-1.html and so on.")
  @Nullable Path report;

  /**
   * The files, checked to be writable before any work is done.
   *
   * @throws org.medpruner.InputException naming the one that is not
   */
  Outputs outputs() {
    return outputs(1);
  }

  /** The same for several volumes. Reports are numbered: a file's name may name a patient. */
  Outputs outputs(int volumes) {
    Path folder = report;
    if (folder == null) {
      return Outputs.check(json, List.of());
    }
    return Outputs.check(
        json,
        volumes == 1
            ? List.of(folder.resolve("report.html"))
            : IntStream.rangeClosed(1, volumes)
                .mapToObj(i -> folder.resolve("report-" + i + ".html"))
                .toList());
  }
}
