package org.medpruner.testkit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.medpruner.MedPruner;
import org.medpruner.testkit.targets.CudaTarget;

/** The CUDA backend: on a device, and its sources on the host executor. */
@Execution(ExecutionMode.CONCURRENT)
class CudaBackendTest {

  @Test
  @Tag("gpu")
  void onADevice() {
    if (MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable u
        && !Boolean.getBoolean("medpruner.requireGpu")) {
      skip("onADevice", u.reason());
    }
    ConformanceReport report =
        ConformanceSuite.of(new CudaTarget()).run(ConformanceOptions.DEFAULT);
    assertTrue(report.passed() && report.complete(), report.toMarkdown());
  }

  /**
   * The largest tensors of what the executor, which runs threads one by one, is given here: several
   * tiles of each kernel. {@code Main} runs all edge cases on it in a minute or two.
   */
  private static final Map<Op, Integer> MOST_VALUES =
      Map.of(
          Op.SLICE_ANCHOR, 2000,
          Op.ATTENTION_MASS, 1000,
          Op.NUCLEUS_SELECT, 2000,
          Op.CONTEXTUAL_MERGE, 500,
          Op.GATHER_ROWS, 2000,
          Op.PRUNE, 500);

  /** What {@link #onTheSimtExecutor} starts. */
  public static final class OnTheSimtExecutor {
    private OnTheSimtExecutor() {}

    /** Prints a report for each op and exits with 1 if one of them fails or lacks something. */
    public static void main(String[] args) {
      boolean all = true;
      for (Op op : Op.values()) {
        ConformanceOptions options =
            ConformanceOptions.DEFAULT
                .withOps(EnumSet.of(op))
                .withCases(0)
                .withMostValues(Objects.requireNonNull(MOST_VALUES.get(op)));
        ConformanceReport report = ConformanceSuite.of(new CudaTarget()).run(options);
        System.out.println(report.toMarkdown());
        all &= report.passed() && report.complete();
      }
      System.exit(all ? 0 : 1);
    }
  }

  /** A JVM of its own, since a process has one native library. */
  @Test
  void onTheSimtExecutor(@TempDir Path folder) throws Exception {
    Path root = Path.of(Objects.requireNonNullElse(System.getenv("MEDPRUNER_ROOT"), "../.."));
    Path library = root.resolve("build/native/native/tests/simt/libmedpruner_simt.so");
    if (!Files.isRegularFile(library)) {
      skip(
          "onTheSimtExecutor",
          "no build/native/native/tests/simt/libmedpruner_simt.so; ./medpruner test builds it");
    }
    Path output = folder.resolve("report.txt");
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "--enable-native-access=ALL-UNNAMED",
                    "-Xmx1g",
                    "-Dmedpruner.library.path=" + library.toAbsolutePath(),
                    "-cp",
                    System.getProperty("java.class.path"),
                    OnTheSimtExecutor.class.getName()))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    int code = process.waitFor();
    String text = Files.readString(output);
    assertTrue(code == 0, text);
    assertTrue(text.contains("org.medpruner on cuda:0"), text);
  }

  private static void skip(String test, String reason) {
    System.out.println("skipped CudaBackendTest." + test + ": " + reason);
    Assumptions.abort(reason);
  }
}
