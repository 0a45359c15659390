package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
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
}
