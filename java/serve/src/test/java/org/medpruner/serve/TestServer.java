package org.medpruner.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.chat.completions.ChatCompletionContentPart;
import com.openai.models.chat.completions.ChatCompletionContentPartText;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.files.FileCreateParams;
import com.openai.models.files.FilePurpose;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.medpruner.vlm.VisionLanguageModel;

/** A server on a free port, its log, and clients of it. */
final class TestServer implements AutoCloseable {
  static final ServerOptions OPTIONS =
      ServerOptions.DEFAULT.withPort(0).withDrain(Duration.ofMinutes(1));

  private static final ObjectMapper MAPPER = new ObjectMapper();

  final List<String> log = new CopyOnWriteArrayList<>();
  final MedPrunerServer server;
  final OpenAIClient openai;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  TestServer(VisionLanguageModel model, ServerOptions options) {
    this(model, options, "none");
  }

  TestServer(VisionLanguageModel model, ServerOptions options, String key) {
    server = MedPrunerServer.start(model, options, log::add);
    openai =
        OpenAIOkHttpClient.builder()
            .baseUrl(server.uri() + "/v1")
            .apiKey(key)
            .maxRetries(0)
            .timeout(Duration.ofMinutes(5))
            .build();
  }

  /** Uploads as the official client does. */
  String upload(Path file) {
    return openai
        .files()
        .create(FileCreateParams.builder().file(file).purpose(FilePurpose.USER_DATA).build())
        .id();
  }

  static ChatCompletionContentPart file(String id) {
    return ChatCompletionContentPart.ofFile(
        ChatCompletionContentPart.File.builder()
            .file(ChatCompletionContentPart.File.FileObject.builder().fileId(id).build())
            .build());
  }

  static ChatCompletionContentPart text(String text) {
    return ChatCompletionContentPart.ofText(
        ChatCompletionContentPartText.builder().text(text).build());
  }

  ChatCompletionCreateParams.Builder about(String file, String question) {
    return ChatCompletionCreateParams.builder()
        .model(server.model())
        .addUserMessageOfArrayOfContentParts(List.of(file(file), text(question)));
  }

  String ask(ChatCompletionCreateParams.Builder params) {
    return openai
        .chat()
        .completions()
        .create(params.build())
        .choices()
        .getFirst()
        .message()
        .content()
        .orElseThrow();
  }

  /** A chat request's body, for those who write it themselves. */
  String body(String file, String question, String further) {
    return """
        {"model": "%s"%s, "messages": [{"role": "user", "content": [
          {"type": "file", "file": {"file_id": "%s"}}, {"type": "text", "text": "%s"}]}]}"""
        .formatted(server.model(), further, file, question);
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.uri() + path));
  }

  HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return http.send(request, BodyHandlers.ofString());
  }

  HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send(request(path).build());
  }

  HttpResponse<String> post(String path, String type, BodyPublisher body)
      throws IOException, InterruptedException {
    return send(request(path).header("Content-Type", type).POST(body).build());
  }

  HttpResponse<String> chat(String body) throws IOException, InterruptedException {
    return post("/v1/chat/completions", "application/json", BodyPublishers.ofString(body));
  }

  static JsonNode json(HttpResponse<String> response) throws IOException {
    return MAPPER.readTree(response.body());
  }

  /** The code of an error. */
  static String code(HttpResponse<String> response) throws IOException {
    return json(response).at("/error/code").asText();
  }

  /** The message of an error. */
  static String message(HttpResponse<String> response) throws IOException {
    return json(response).at("/error/message").asText();
  }

  /** The value of a metric, 0 if it is not there. */
  double metric(String name) throws IOException, InterruptedException {
    return get("/metrics")
        .body()
        .lines()
        .filter(l -> l.startsWith(name + " "))
        .mapToDouble(l -> Double.parseDouble(l.substring(name.length() + 1)))
        .findFirst()
        .orElse(0);
  }

  /** Waits for a line of the log that has a text. */
  void awaitLog(String text) throws InterruptedException {
    while (log.stream().noneMatch(l -> l.contains(text))) {
      Thread.sleep(20);
    }
  }

  @Override
  public void close() {
    server.close();
    openai.close();
  }
}
