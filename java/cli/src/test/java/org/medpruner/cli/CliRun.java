package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * One run of the command line in this JVM.
 *
 * @param code exit code
 * @param out standard output
 * @param err standard error
 */
record CliRun(int code, String out, String err) {
  static CliRun of(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            args);
    return new CliRun(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** A command on the demo model and a volume, which must succeed. */
  static CliRun onDemo(String command, Path volume, String... options) {
    List<String> args =
        new ArrayList<>(
            List.of(
                command,
                "--model",
                TestVolumes.demoModel().toString(),
                "--volume",
                volume.toString()));
    args.addAll(List.of(options));
    return of(args.toArray(String[]::new)).assertDone();
  }

  CliRun assertDone() {
    assertEquals(0, code, err);
    return this;
  }

  /** Exit code 2, nothing on standard output, one clear line that names what is at fault. */
  void assertBadInput(String... named) {
    assertEquals(Failures.BAD_INPUT, code, err);
    assertEquals("", out);
    assertEquals(1, err.lines().count(), err);
    assertTrue(err.startsWith("medpruner"), err);
    assertFalse(err.contains("Exception") || err.contains("\tat "), err);
    for (String n : named) {
      assertTrue(err.contains(n), "\"" + n + "\" is missing in: " + err);
    }
  }

  /** Names of all files under a folder, which may be missing. */
  static List<String> filesUnder(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(f -> !f.equals(folder))
          .map(f -> folder.relativize(f).toString())
          .sorted()
          .toList();
    }
  }
}
