package org.medpruner.bench.compare;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.medpruner.bench.Host;
import org.medpruner.bench.ResultsFile;

/**
 * Runs {@code ./medpruner compare} some times and writes what its audit records say: the figures
 * that do not depend on the run, and the range of the time ratio.
 */
public final class CompareBench {
  private CompareBench() {}

  /** Exit status 0 when all was measured, 2 for a wrong call, 1 otherwise. */
  public static void main(String[] arguments) {
    Locale.setDefault(Locale.ROOT);
    try {
      Path root = Path.of(System.getProperty("medpruner.root", "."));
      int threads = Integer.getInteger("medpruner.bench.threads", 2);
      CompareOptions options = CompareOptions.parse(root, arguments);
      CompareReport report = run(options, threads);
      ResultsFile.write(report, options.output());
      System.out.printf(
          "%s, \"%s\"%n%s%n%nwritten: %s%n",
          report.volume(), report.question(), report.cells(), options.output());
    } catch (IllegalArgumentException e) {
      System.err.println("medpruner: bench compare: " + e.getMessage());
      System.exit(2);
    } catch (IOException | IllegalStateException e) {
      System.err.println("medpruner: bench compare: " + e.getMessage());
      System.exit(1);
    }
  }

  static CompareReport run(CompareOptions options, int threads) throws IOException {
    List<JsonNode> audits = new ArrayList<>();
    Path audit = Files.createTempFile("medpruner-compare", ".json");
    try {
      for (int turn = 0; turn < options.turns(); turn++) {
        compare(options, threads, audit);
        audits.add(ResultsFile.json().readTree(audit.toFile()));
      }
    } finally {
      Files.delete(audit);
    }
    return CompareReport.of(options, Host.commit(options.root()), Host.machine(threads), audits);
  }

  private static void compare(CompareOptions options, int threads, Path audit) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
                options.root().resolve("medpruner").toAbsolutePath().toString(),
                "compare",
                "--model",
                options.model().toString(),
                "--volume",
                options.volume().toString(),
                "--question",
                options.question(),
                "--json",
                audit.toString())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    for (String name : List.of("MEDPRUNER_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")) {
      builder.environment().put(name, Integer.toString(threads));
    }
    Process process = builder.start();
    try {
      int status = process.waitFor();
      if (status != 0) {
        throw new IOException("./medpruner compare ended with status " + status);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.destroyForcibly();
    }
  }
}
