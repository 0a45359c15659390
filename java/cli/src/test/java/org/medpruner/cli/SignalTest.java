package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SIGTERM in the middle of inference: gone within five seconds, nothing written. */
class SignalTest {
  private static final int SIDE = 112;

  /** As many as a model takes, so that each stage lasts seconds. */
  private static final int SLICES = 85;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"encode", "prefill"})
  void sigtermEndsTheProcess(String stage) throws Exception {
    Path model = TestVolumes.demoModel();
    int[] levels = new int[SLICES];
    for (int i = 0; i < SLICES; i++) {
      levels[i] = 37 * i % 256;
    }
    Path volume = Files.write(folder.resolve("v.nii"), TestVolumes.greyPlanes(SIDE, levels));
    Path out = folder.resolve("out");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "ask",
                "--progress",
                "plain",
                "--preset",
                "off",
                "--model",
                model.toString(),
                "--volume",
                volume.toString(),
                "--question",
                "How many lesions are there?",
                "--json",
                out.resolve("audit.json").toString(),
                "--report",
                out.toString())
            .start();
    try {
      awaitStage(process, stage);
      // Not Process.destroy, which also closes the streams that are looked at below.
      assertTrue(process.toHandle().destroy());
      assertTrue(process.waitFor(5, TimeUnit.SECONDS), "still running five seconds later");
      assertEquals(128 + 15, process.exitValue());
      assertEquals(List.of(), CliRun.filesUnder(out));
      assertEquals("", new String(process.getInputStream().readAllBytes(), UTF_8));
    } finally {
      process.destroyForcibly();
    }
  }

  private static void awaitStage(Process process, String stage) throws IOException {
    StringBuilder seen = new StringBuilder();
    BufferedReader err = process.errorReader();
    for (String line = err.readLine(); line != null; line = err.readLine()) {
      seen.append(line).append('\n');
      if (line.startsWith("stage " + stage)) {
        return;
      }
    }
    throw new AssertionError("ended before stage " + stage + ": " + seen);
  }
}
