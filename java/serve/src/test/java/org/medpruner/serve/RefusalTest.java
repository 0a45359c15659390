package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.InputException;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.fixtures.Demo;

/** Requests that get an error: which one, and that it names what to mend. */
class RefusalTest {
  private static final int MOST = 1 << 20;
  private static VisionLanguageModel model;
  private static TestServer server;
  private static String phantom;

  @TempDir Path folder;

  @BeforeAll
  static void start() {
    model = Demo.load();
    server = new TestServer(model, TestServer.OPTIONS.withMaxUploadBytes(MOST));
    phantom = server.upload(Demo.phantom(5));
  }

  @AfterAll
  static void close() {
    if (server != null) {
      server.close();
      model.close();
    }
  }

  @Test
  void theOfficialClientSeesTheErrors() {
    NotFoundException file =
        assertThrows(NotFoundException.class, () -> server.ask(server.about("file-none", "a?")));
    assertEquals("file_not_found", file.code().orElse(""));
    NotFoundException other =
        assertThrows(
            NotFoundException.class, () -> server.ask(server.about(phantom, "a?").model("gpt-5")));
    assertEquals("model_not_found", other.code().orElse(""));
    BadRequestException many =
        assertThrows(BadRequestException.class, () -> server.ask(server.about(phantom, "a?").n(2)));
    assertEquals("n", many.param().orElse(""));
    BadRequestException likely =
        assertThrows(
            BadRequestException.class, () -> server.ask(server.about(phantom, "a?").topP(2)));
    assertEquals("top_p", likely.param().orElse(""));
  }

  /** Whatever words the rule of a range is put in. */
  @Test
  void whatIsOutOfRangeIsTheClients() {
    for (String message : List.of("topP = 2, but it must be 1", "topP: must be 1", "wrong", "")) {
      assertEquals(400, ChatRequest.outOfRange(message).status());
    }
    assertEquals("top_p = 2.0, no", ChatRequest.outOfRange("topP = 2.0, no").text());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"medpruner\": {\"preset\": \"papers\"} | medpruner.preset must be one of paper",
        "\"medpruner\": {\"gama\": 1} | medpruner has a field that is not known",
        "\"medpruner\": {\"gamma\": -1} | medpruner.gamma must be finite and >= 0",
        "\"medpruner\": {\"patchGamma\": 1e999} | medpruner.patchGamma must be",
        "\"medpruner\": {\"tau\": 0} | tau = 0.0, but it must be in (0, 1]",
        "\"medpruner\": {\"score\": \"max\"} | medpruner.score must be one of softmax, mass",
        "\"medpruner\": {\"axis\": \"x\"} | medpruner.axis must be one of axial, coronal, sagittal",
        "\"medpruner\": 3 | medpruner must be an object",
        "\"temperature\": -1 | temperature = -1.0, but it must be in 0..100",
        "\"top_p\": 2 | top_p = 2.0, but it must be > 0 and <= 1",
        "\"medpruner\": {\"repetition_penalty\": 0} | medpruner.repetition_penalty = 0.0, but it",
        "\"max_tokens\": 0 | max_tokens must be a whole number in 1..",
        "\"stream\": 1 | stream must be true or false",
        "\"stop\": [\"\"] | stop must be a text",
        "\"stop\": 5 | stop must be a text",
        "\"stop\": true | stop must be a text",
        "\"stop\": {\"a\": \"lee\"} | stop must be a text",
        "\"max_tokens\": 18446744073709551617 | max_tokens must be a whole number in 1..",
        "\"seed\": 18446744073709551617 | seed must be a whole number of 64 bits",
        "\"audio\": \"x\" | audio is not known here",
        "\"prediction\": 0 | prediction is not known here",
        "\"tools\": [{}] | tools is not known here",
        "\"response_format\": {\"type\": \"json_object\"} | response_format must be of type text",
        "\"logprobs\": true | logprobs must be false"
      })
  void fieldsAreChecked(String field, String named) throws Exception {
    HttpResponse<String> response = server.chat(server.body(phantom, "a?", ", " + field));
    assertEquals(400, response.statusCode(), response.body());
    assertTrue(TestServer.message(response).contains(named), response.body());
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"stop\": null", "\"stop\": []", "\"tools\": []", "\"audio\": {}"})
  void whatAsksForNothingIsLetThrough(String field) throws Exception {
    HttpResponse<String> response =
        server.chat(server.body(phantom, "a?", ", \"max_tokens\": 1, " + field));
    assertEquals(200, response.statusCode(), response.body());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[] | at least one message",
        "[{\"role\": \"user\", \"content\": \"a?\"}] | no message has a volume",
        "[{\"role\": \"tool\", \"content\": \"a?\"}] | messages[0].role must be",
        "[{\"role\": \"assistant\", \"content\": \"a\"}] | messages[0]: an assistant message",
        "[{\"role\": \"user\", \"content\": [FILE]}] | the question is empty",
        "[{\"role\": \"user\", \"content\": [FILE, {\"type\": \"file\", \"file\": {\"file_id\":"
            + " \"file-2\"}}]}] | messages[0].content[1] is a second volume",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": {\"url\":"
            + " \"http://localhost/a.png\"}}]}] | must begin with data:image/png;base64,",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"input_audio\"}]}] | must be a part of"
            + " type text, file or image_url",
        "[{\"role\": \"user\", \"content\": [FILE]}, {\"role\": \"assistant\", \"content\": \"a\"}]"
            + " | the question is empty"
      })
  void messagesAreChecked(String messages, String named) throws Exception {
    String part = "{\"type\": \"file\", \"file\": {\"file_id\": \"" + phantom + "\"}}";
    HttpResponse<String> response =
        server.chat("{\"model\": \"demo\", \"messages\": " + messages.replace("FILE", part) + "}");
    assertEquals(400, response.statusCode(), response.body());
    assertTrue(TestServer.message(response).contains(named), response.body());
  }

  @Test
  void bodiesAreChecked() throws Exception {
    HttpResponse<String> broken = server.chat("{\"model\": \"SMITH\"\n oops");
    assertEquals(400, broken.statusCode());
    assertEquals("the body is not valid JSON, in line 2 column 2", TestServer.message(broken));
    assertEquals(400, server.chat("[]").statusCode());
    byte[] noCharacter = {0, 0, 0, '{', 0x7f, -1, -1, -1, 0, 0, 0, '}'};
    HttpResponse<String> undecodable =
        server.post(
            "/v1/chat/completions", "application/json", BodyPublishers.ofByteArray(noCharacter));
    assertEquals(400, undecodable.statusCode(), undecodable.body());
    assertTrue(TestServer.message(undecodable).contains("send UTF-8"), undecodable.body());
    assertEquals(
        415,
        server
            .post("/v1/chat/completions", "text/plain", BodyPublishers.ofString("{}"))
            .statusCode());
    HttpResponse<String> method = server.get("/v1/chat/completions");
    assertEquals(405, method.statusCode());
    assertEquals("POST", method.headers().firstValue("Allow").orElse(""));
    assertEquals(404, server.get("/v1/chat").statusCode());
  }

  @Test
  void whatIsTooLargeIsRefused() throws Exception {
    byte[] large = new byte[MOST + 1];
    HttpResponse<String> declared =
        server.post("/v1/files", "application/octet-stream", BodyPublishers.ofByteArray(large));
    assertEquals(413, declared.statusCode());
    assertTrue(TestServer.message(declared).contains("larger than 1 MiB"), declared.body());
    HttpResponse<String> chunked =
        server.post(
            "/v1/files",
            "application/octet-stream",
            BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large)));
    assertEquals(413, chunked.statusCode());
    Path file = Files.write(folder.resolve("large.nii"), large);
    Exception form = assertThrows(Exception.class, () -> server.upload(file));
    assertTrue(String.valueOf(form.getMessage()).contains("413"), form.toString());
    HttpResponse<String> chat = server.chat("{\"a\": \"" + "a".repeat(MOST) + "\"}");
    assertEquals(413, chat.statusCode());
    assertEquals(0, server.metric("medpruner_requests_in_progress"));
    // Nothing of them is left.
    assertEquals(1, server.metric("medpruner_files"));
    assertEquals((double) Files.size(Demo.phantom(5)), server.metric("medpruner_file_bytes"));
  }

  private static byte[] zip(int files, int size) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      for (int i = 0; i < files; i++) {
        zip.putNextEntry(new ZipEntry("../../" + i));
        zip.write(new byte[size]);
      }
    }
    return out.toByteArray();
  }

  @Test
  void badUploadsAreRefused() throws Exception {
    assertEquals(400, upload(new byte[0]).statusCode());
    HttpResponse<String> bomb = upload(zip(1, 5 << 20));
    assertEquals(413, bomb.statusCode(), bomb.body());
    assertEquals(400, upload(zip(0, 0)).statusCode());
    byte[] torn = zip(1, 1000);
    HttpResponse<String> damaged = upload(java.util.Arrays.copyOf(torn, torn.length - 10));
    assertEquals(400, damaged.statusCode());
    assertTrue(TestServer.message(damaged).contains("zip file is damaged"), damaged.body());
    assertEquals(1, server.metric("medpruner_files"));
    assertEquals((double) Files.size(Demo.phantom(5)), server.metric("medpruner_file_bytes"));
  }

  private static HttpResponse<String> upload(byte[] bytes) throws Exception {
    return server.post("/v1/files", "application/octet-stream", BodyPublishers.ofByteArray(bytes));
  }

  @Test
  void aBadVolumeIsNamedByItsId() throws Exception {
    String id =
        TestServer.json(upload("no volume".getBytes(StandardCharsets.UTF_8))).get("id").asText();
    HttpResponse<String> response = server.chat(server.body(id, "a?", ""));
    assertEquals(400, response.statusCode());
    assertTrue(TestServer.message(response).startsWith(id), response.body());
    assertFalse(response.body().contains("/tmp"), response.body());
    // Asked as a stream, the error still has its status.
    assertEquals(400, server.chat(server.body(id, "a?", ", \"stream\": true")).statusCode());
    assertEquals(
        true,
        TestServer.json(server.send(server.request("/v1/files/" + id).DELETE().build()))
            .get("deleted")
            .asBoolean());
    assertEquals(404, server.chat(server.body(id, "a?", "")).statusCode());
  }

  @Test
  void pagesOfOtherSitesAreRefused() throws Exception {
    assertEquals(
        403,
        server
            .send(server.request("/v1/models").header("Origin", "https://example.org").build())
            .statusCode());
    assertEquals(
        200,
        server
            .send(
                server
                    .request("/v1/models")
                    .header("Origin", String.valueOf(server.server.uri()))
                    .build())
            .statusCode());
    assertEquals("HTTP/1.1 403 Forbidden", statusWithHost("rebound.example.org"));
    assertEquals("HTTP/1.1 200 OK", statusWithHost("localhost:1"));
  }

  @Test
  void anyTargetOfARequestIsAnswered() throws IOException {
    for (String target : new String[] {"?a=b", "*", "x"}) {
      assertEquals("HTTP/1.1 404 Not Found", status(target, "localhost"), target);
    }
  }

  private static String statusWithHost(String host) throws IOException {
    return status("/v1/models", host);
  }

  /** Java's client lets one choose neither. */
  private static String status(String target, String host) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", server.server.uri().getPort())) {
      socket.setSoTimeout(20_000);
      socket
          .getOutputStream()
          .write(
              ("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .findFirst()
          .orElse("");
    }
  }

  @Test
  void aTokenIsAskedFor() throws Exception {
    try (TestServer guarded =
        new TestServer(model, TestServer.OPTIONS.withToken("open-sesame"), "open-sesame")) {
      assertEquals("demo", guarded.openai.models().list().data().getFirst().id());
      assertEquals(401, guarded.get("/v1/models").statusCode());
      assertEquals(401, guarded.get("/metrics").statusCode());
      assertEquals(401, guarded.chat("{}").statusCode());
      assertEquals(200, guarded.get("/healthz").statusCode());
      assertEquals(200, guarded.get("/").statusCode());
      for (String wrong : new String[] {"Bearer open-sesam", "Bearer ", "Basic open-sesame", "x"}) {
        HttpResponse<String> response =
            guarded.send(guarded.request("/v1/models").header("Authorization", wrong).build());
        assertEquals(401, response.statusCode());
        assertEquals("Bearer", response.headers().firstValue("WWW-Authenticate").orElse(""));
      }
      assertFalse(String.join("", guarded.log).contains("sesam"));
    }
    try (TestServer guarded =
        new TestServer(model, TestServer.OPTIONS.withToken("open-sesame"), "wrong")) {
      assertThrows(UnauthorizedException.class, () -> guarded.openai.models().list());
    }
  }

  @Test
  void badOptionsAndAPortInUseAreRefused() {
    int port = server.server.uri().getPort();
    InputException inUse =
        assertThrows(
            InputException.class,
            () -> MedPrunerServer.start(model, ServerOptions.DEFAULT.withPort(port), l -> {}));
    assertTrue(
        String.valueOf(inUse.getMessage()).startsWith("port " + port + " of 127.0.0.1 is in use"));
    assertThrows(IllegalArgumentException.class, () -> ServerOptions.DEFAULT.withPort(65536));
    assertThrows(IllegalArgumentException.class, () -> ServerOptions.DEFAULT.withQueue(-1));
    assertThrows(IllegalArgumentException.class, () -> ServerOptions.DEFAULT.withToken("a b"));
    IllegalArgumentException open =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                new ServerOptions(
                    "0.0.0.0",
                    0,
                    null,
                    1,
                    1,
                    ServerOptions.DEFAULT.timeout(),
                    ServerOptions.DEFAULT.drain(),
                    ServerOptions.DEFAULT.policy(),
                    ServerOptions.DEFAULT.generation()));
    assertTrue(String.valueOf(open.getMessage()).contains("--token"));
  }

  /** With CLIP's statistics distances reach 3.73. */
  @Test
  void gammaMayBeAsLargeAsOnTheCommandLine() throws Exception {
    HttpResponse<String> response =
        server.chat(
            server.body(phantom, "a?", ", \"max_tokens\": 1, \"medpruner\": {\"gamma\": 2.5}"));
    assertEquals(200, response.statusCode(), response.body());
  }

  private static byte[] png(int grey) throws IOException {
    BufferedImage image = new BufferedImage(32, 32, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 32 * 32; i++) {
      image.getRaster().setSample(i % 32, i / 32, 0, grey);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  private static List<byte[]> slicesWith(byte[] bad, int at) throws IOException {
    List<byte[]> slices = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      slices.add(i == at ? bad : png(40 * i));
    }
    return slices;
  }

  private static String asked(List<byte[]> slices) {
    StringBuilder parts = new StringBuilder();
    for (byte[] slice : slices) {
      parts
          .append("{\"type\": \"image_url\", \"image_url\": {\"url\": \"data:image/png;base64,")
          .append(Base64.getEncoder().encodeToString(slice))
          .append("\"}}, ");
    }
    return "{\"model\": \"demo\", \"max_tokens\": 1, \"messages\": [{\"role\": \"user\","
        + " \"content\": ["
        + parts
        + "{\"type\": \"text\", \"text\": \"a?\"}]}]}";
  }

  /** Left out, a slice would be missing from the volume that the answer is about. */
  @ParameterizedTest
  @ValueSource(strings = {"GIF89a", "RIFF0000WEBP", "II*\0tiff", "a text", ""})
  void aSliceThatIsNoPictureIsRefused(String begin) throws Exception {
    byte[] bad = begin.getBytes(StandardCharsets.ISO_8859_1);
    for (int at = 0; at < 5; at++) {
      List<byte[]> slices = slicesWith(bad, at);
      HttpResponse<String> message = server.chat(asked(slices));
      assertEquals(400, message.statusCode(), message.body());
      assertTrue(
          TestServer.message(message).startsWith("messages[0].content[" + at + "]"),
          message.body());
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      StringBuilder form = new StringBuilder();
      try (ZipOutputStream zip = new ZipOutputStream(out)) {
        for (int i = 0; i < 5; i++) {
          zip.putNextEntry(new ZipEntry(i + ".png"));
          zip.write(slices.get(i));
          form.append(
                  "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n")
              .append(new String(slices.get(i), StandardCharsets.ISO_8859_1))
              .append("\r\n");
        }
      }
      assertRefused(upload(out.toByteArray()));
      assertRefused(
          server.post(
              "/v1/files",
              "multipart/form-data; boundary=b",
              BodyPublishers.ofString(form + "--b--\r\n", StandardCharsets.ISO_8859_1)));
    }
    assertEquals(200, server.chat(asked(slicesWith(png(1), 2))).statusCode());
  }

  private static void assertRefused(HttpResponse<String> uploaded) throws Exception {
    assertEquals(200, uploaded.statusCode(), uploaded.body());
    String id = TestServer.json(uploaded).get("id").asText();
    HttpResponse<String> response = server.chat(server.body(id, "a?", ""));
    assertEquals(400, response.statusCode(), response.body());
    assertTrue(
        TestServer.message(response).startsWith(id + ": 1 of its files is neither"),
        response.body());
    assertEquals(200, server.send(server.request("/v1/files/" + id).DELETE().build()).statusCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"multipart/form-data; boundary=", "multipart/form-data"})
  void aFormWithoutABoundaryIsRefused(String type) throws Exception {
    double before = server.metric("medpruner_file_bytes");
    HttpResponse<String> response =
        server.post("/v1/files", type, BodyPublishers.ofString("--\r\n"));
    assertEquals(400, response.statusCode(), response.body());
    assertEquals(before, server.metric("medpruner_file_bytes"));
    assertFalse(String.join("", server.log).contains("StringIndexOutOfBounds"));
  }

  @Test
  void theAllowedMethodsAreAllNamed() throws Exception {
    HttpResponse<String> response =
        server.send(server.request("/v1/files/" + phantom).PUT(BodyPublishers.noBody()).build());
    assertEquals(405, response.statusCode());
    assertEquals("GET, DELETE", response.headers().firstValue("Allow").orElse(""));
  }

  @Test
  void aModelIsFoundByWhateverNameItsFolderHas() throws Exception {
    Path named = Files.createSymbolicLink(folder.resolve("my mod\u00e8l+1"), Demo.folder());
    try (VisionLanguageModel other =
            VisionLanguageModel.load(named, LoadOptions.DEFAULT, Progress.NONE);
        TestServer serving = new TestServer(other, TestServer.OPTIONS)) {
      String id = serving.openai.models().list().data().getFirst().id();
      assertEquals("my mod\u00e8l+1", id);
      assertEquals(id, serving.openai.models().retrieve(id).id());
      assertEquals(404, serving.get("/v1/models/my%20mod%C3%A8l").statusCode());
      assertEquals(404, serving.get("/v1/models/%C3").statusCode());
    }
  }
}
