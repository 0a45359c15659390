package org.medpruner.bench;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a Python script did.
 *
 * @param status its exit status
 * @param output both streams
 */
record Python(int status, String output) {
  /** Runs one; without python3 the test is skipped. */
  static Python run(Path script, String... arguments) throws IOException, InterruptedException {
    // Without a folder of compiled files beside the script.
    List<String> command = new ArrayList<>(List.of("python3", "-B", script.toString()));
    command.addAll(List.of(arguments));
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      assumeTrue(false, "python3 was not found");
      throw e;
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Python(process.waitFor(), output);
  }
}
