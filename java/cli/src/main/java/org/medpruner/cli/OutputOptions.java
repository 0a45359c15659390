package org.medpruner.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Files to write. */
final class OutputOptions {
  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the audit record (docs/audit.schema.json).")
  @Nullable Path json;

  @Option(
      names = "--report",
      paramLabel = "DIR",
      description = "Write DIR/report.html, one page with pictures, tokens and savings.")
  @Nullable Path report;

  /**
   * The files, checked to be writable before any work is done.
   *
   * @throws org.medpruner.InputException naming the one that is not
   */
  Outputs outputs() {
    return Outputs.check(json, report == null ? null : report.resolve("report.html"));
  }
}
