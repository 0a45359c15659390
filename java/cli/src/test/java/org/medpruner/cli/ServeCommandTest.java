package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code serve}: its arguments, and a process that is asked and told to end. */
class ServeCommandTest {
  @ParameterizedTest
  @CsvSource({
    "--port, 65536, --port",
    "--port, http, --port",
    "--host, no.such.host.invalid, host",
    "--host, 0.0.0.0, --token",
    "--token, '', token",
    "--token, 'a b', token",
    "--queue, -1, --queue",
    "--max-upload, 0, --max-upload",
    "--timeout, 0, --timeout",
    "--drain, -1, --drain",
    "--preset, best, paper",
    "--top-p, 2, --top-p"
  })
  void argumentIsNamed(String option, String value, String named) {
    CliRun.of("serve", "--model", TestVolumes.demoModel().toString(), option, value)
        .assertBadInput(named);
  }

  @Test
  void aFolderThatIsNoModelIsNamed() {
    CliRun.of("serve", "--model", "no-such-folder").assertBadInput("no-such-folder");
    CliRun.of("serve").assertBadInput("--model");
  }

  @Test
  void aPortInUseIsNamed() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      CliRun.of(
              "serve",
              "--model",
              TestVolumes.demoModel().toString(),
              "--port",
              Integer.toString(taken.getLocalPort()))
          .assertBadInput("port " + taken.getLocalPort(), "in use");
    }
  }

  @Test
  void answersUntilItIsToldToEnd() throws Exception {
    Process process =
        new ProcessBuilder(
                List.of(
                    ProcessHandle.current().info().command().orElseThrow(),
                    "--enable-native-access=ALL-UNNAMED",
                    "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                    "-cp",
                    System.getProperty("java.class.path"),
                    Main.class.getName(),
                    "serve",
                    "--model",
                    TestVolumes.demoModel().toString(),
                    "--port",
                    "0",
                    "--preset",
                    "nucleus"))
            .start();
    try (HttpClient http = HttpClient.newHttpClient();
        BufferedReader out = process.inputReader()) {
      URI server = URI.create(Objects.requireNonNull(out.readLine(), "it did not start"));
      String file =
          post(
              http,
              server.resolve("/v1/files"),
              "application/octet-stream",
              BodyPublishers.ofFile(TestVolumes.phantom(5)),
              "/id");
      String body =
          """
          {"model": "demo", "messages": [{"role": "user", "content": [
            {"type": "file", "file": {"file_id": "%s"}},
            {"type": "text", "text": "Which organ contains the lesion?"}]}]}"""
              .formatted(file);
      String policy =
          post(
              http,
              server.resolve("/v1/chat/completions"),
              "application/json",
              BodyPublishers.ofString(body),
              "/medpruner/policy");
      assertEquals("nucleus", policy);
      assertTrue(process.toHandle().destroy());
      assertTrue(process.waitFor(1, TimeUnit.MINUTES), "still running a minute later");
      assertEquals(128 + 15, process.exitValue());
      String log = new String(process.getErrorStream().readAllBytes(), UTF_8);
      assertTrue(log.contains("POST /v1/chat/completions 200"), log);
      assertFalse(log.contains("Unsafe") || log.contains("Exception"), log);
    } finally {
      process.destroyForcibly();
    }
  }

  private static String post(
      HttpClient http, URI to, String type, HttpRequest.BodyPublisher body, String field)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(to).header("Content-Type", type).POST(body).build();
    String response = http.send(request, BodyHandlers.ofString()).body();
    return new ObjectMapper().readTree(response).at(field).asText();
  }
}
