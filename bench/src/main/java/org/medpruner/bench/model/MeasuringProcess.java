package org.medpruner.bench.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.bench.ResultsFile;

/** Measures in a process of its own, because a peak of memory is a process's. */
final class MeasuringProcess {
  /** Java heap: the slices of a volume, not the weights. */
  private static final int HEAP_MB = 1024;

  private MeasuringProcess() {}

  /**
   * Runs a main class whose last line on standard output is JSON. Bad input, exit status {@link
   * MeasureModel#BAD_INPUT}, was said by it and ends this process alike.
   *
   * @param environment set besides this process's own
   */
  static JsonNode run(Class<?> main, Map<String, String> environment, String... arguments)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx" + HEAP_MB + "m",
                "-Dai.djl.offline=true",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(environment);
    Process process = builder.start();
    Thread killer = new Thread(process::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(killer);
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String last = "";
      for (@Nullable String line = lines.readLine(); line != null; line = lines.readLine()) {
        last = line;
      }
      int status = process.waitFor();
      if (status == MeasureModel.BAD_INPUT) {
        System.exit(status);
      }
      if (status != 0) {
        throw new IOException("the measuring process ended with status " + status);
      }
      return ResultsFile.json().readTree(last);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.destroyForcibly();
      Runtime.getRuntime().removeShutdownHook(killer);
    }
  }
}
