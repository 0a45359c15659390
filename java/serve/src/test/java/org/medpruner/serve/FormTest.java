package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.fixtures.Demo;

/** Uploads as multipart forms: of many files, and such as no decoder reads. */
class FormTest {
  private static final String BOUNDARY = "x-x-x";

  private static VisionLanguageModel model;
  private static TestServer server;

  @BeforeAll
  static void start() {
    model = Demo.load();
    server = new TestServer(model, TestServer.OPTIONS);
  }

  @AfterAll
  static void close() {
    if (server != null) {
      server.close();
      model.close();
    }
  }

  /** A part of a form; the further text is behind {@code name="file"}. */
  private static String part(String further, String content) {
    return "--%s\r\nContent-Disposition: form-data; name=\"file\"%s\r\n\r\n%s\r\n"
        .formatted(BOUNDARY, further, content);
  }

  private static HttpResponse<String> upload(String parts) throws Exception {
    return server.post(
        "/v1/files",
        "multipart/form-data; boundary=" + BOUNDARY,
        BodyPublishers.ofString(parts + "--" + BOUNDARY + "--\r\n", StandardCharsets.ISO_8859_1));
  }

  @Test
  void aFormMayHaveAsManyFilesAsASeriesHasSlices() throws Exception {
    StringBuilder parts = new StringBuilder();
    for (int i = 0; i < 200; i++) {
      parts.append(part("; filename=\"" + i + ".dcm\"", "slice"));
    }
    HttpResponse<String> response = upload(parts.toString());
    assertEquals(200, response.statusCode(), response.body());
    assertEquals(200 * "slice".length(), TestServer.json(response).get("bytes").asInt());
  }

  static Stream<Arguments> undecodableForms() {
    return Stream.of(
        arguments("a long field", part("", "x".repeat(5000))),
        arguments("an unknown charset", part("\r\nContent-Type: text/plain; charset=nope", "x")),
        arguments(
            "an encoded part",
            part("; filename=\"a\"\r\nContent-Transfer-Encoding: base64", "eA==")),
        arguments("many fields", part("", "x").repeat(Unzip.MOST_FILES + 65)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("undecodableForms")
  void aFormThatCannotBeDecodedIsRefused(String what, String parts) throws Exception {
    double before = server.metric("medpruner_file_bytes");
    HttpResponse<String> response = upload(parts);
    assertEquals(400, response.statusCode(), response.body());
    assertTrue(TestServer.message(response).startsWith("the form cannot be read"), what);
    assertEquals(before, server.metric("medpruner_file_bytes"));
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/files,application/octet-stream,the body cannot be read",
    "/v1/files,multipart/form-data; boundary=x-x-x,the form cannot be read",
    "/v1/chat/completions,application/json,the body cannot be read"
  })
  void aChunkWithoutALengthIsRefused(String path, String type, String named) throws Exception {
    try (Socket socket = new Socket("127.0.0.1", server.server.uri().getPort())) {
      socket.setSoTimeout(20_000);
      socket
          .getOutputStream()
          .write(
              ("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
                      + "Transfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n")
                  .formatted(path, type)
                  .getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(answer.startsWith("HTTP/1.1 400 "), answer);
      assertTrue(answer.contains(named), answer);
    }
    assertEquals(0, server.metric("medpruner_requests_in_progress"));
  }
}
