package org.medpruner.testkit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.MedPruner;
import org.medpruner.testkit.targets.CudaTarget;

/** The CUDA backend: on a device, and its sources on the host executor. */
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
   * A JVM of its own, since a process has one native library. The executor runs threads one by one,
   * so the large cases are left out; {@code Main} runs them in a minute or two.
   */
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
                    "org.medpruner.testkit.Main",
                    "--target",
                    CudaTarget.class.getName(),
                    "--cases",
                    "0",
                    "--most-values",
                    "100",
                    "--strict"))
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
