package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SIGKILL in the middle of an evaluation, twice; then it goes on to the end. */
class EvalKillTest {
  private static final int VOLUMES = 4;
  private static final int QUESTIONS = 3;
  private static final int RESULTS = 2 * VOLUMES * QUESTIONS;

  @TempDir Path folder;

  @Test
  void aKilledRunGoesOnWithoutLossOrRepetition() throws Exception {
    Path data = MiniBenchmark.write(folder.resolve("data"), VOLUMES, QUESTIONS);
    Path whole = folder.resolve("whole");
    CliRun.of(MiniBenchmark.arguments(data, whole).toArray(new String[0])).assertDone();

    Path killed = folder.resolve("killed");
    Path results = killed.resolve("results.jsonl");
    int before = 0;
    for (int atLeast : new int[] {2, 9}) {
      Process process = start(data, killed);
      try {
        while (lines(results) < atLeast && process.isAlive()) {
          Thread.sleep(5);
        }
        assertTrue(process.isAlive(), () -> "ended before the kill: " + log());
        process.destroyForcibly();
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(128 + 9, process.exitValue());
      } finally {
        process.destroyForcibly();
      }
      int there = lines(results);
      assertTrue(there >= atLeast && there < RESULTS, there + " results after a kill");
      assertTrue(there > before);
      before = there;
    }

    CliRun last = CliRun.of(MiniBenchmark.arguments(data, killed).toArray(new String[0]));
    last.assertDone();
    assertTrue(last.err().contains("going on after " + before + " of " + RESULTS), last.err());
    List<String> all = Files.readAllLines(results);
    assertEquals(RESULTS, all.size());
    assertEquals(RESULTS, new HashSet<>(all).size());
    assertEquals(RESULTS, MiniBenchmark.answers(killed).size());
    assertEquals(MiniBenchmark.answers(whole), MiniBenchmark.answers(killed));
  }

  private Process start(Path data, Path out) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Dai.djl.offline=true",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(MiniBenchmark.arguments(data, out));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("log").toFile())
        .start();
  }

  private String log() {
    try {
      return Files.readString(folder.resolve("log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Whole lines only, as a reader of the run sees them. */
  private static int lines(Path file) throws IOException {
    if (!Files.exists(file)) {
      return 0;
    }
    int n = 0;
    for (byte b : Files.readAllBytes(file)) {
      n += b == '\n' ? 1 : 0;
    }
    return n;
  }
}
