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
          "Write the audit record (docs/audit.schema.json); of several volumes (ask), an array of"
              + " them. Of one question only. A volume's own files are never replaced.")
  @Nullable Path json;

  @Option(
      names = "--report",
      paramLabel = "DIR",
      description =
          "Write DIR/report.html, one page with pictures, tokens and savings; of several volumes"
              + " (ask), DIR/report-1.html and so on. Of one question only.")
  @Nullable Path report;

  /**
   * The files, checked to be writable before any work is done. Reports of several volumes are
   * numbered: a file's name may name a patient.
   *
   * @param volumes what is read, and must not be replaced
   * @throws org.medpruner.InputException naming the one that is not
   */
  Outputs outputs(List<Path> volumes) {
    Path folder = report;
    if (folder == null) {
      return Outputs.check(json, List.of(), volumes);
    }
    return Outputs.check(
        json,
        volumes.size() == 1
            ? List.of(folder.resolve("report.html"))
            : IntStream.rangeClosed(1, volumes.size())
                .mapToObj(i -> folder.resolve("report-" + i + ".html"))
                .toList(),
        volumes);
  }
}
