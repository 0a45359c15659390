package org.medpruner.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** One client: does one thing after the other, all of them chosen by its seed. */
final class LoadClient {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final List<String> QUESTIONS =
      List.of(
          "Which organ contains the lesion?",
          "How many lesions are there?",
          "Is there a lesion in the liver?");
  private static final String EVENT = "data: ";
  private static final String END = "data: [DONE]";

  private final URI server;
  private final SplittableRandom random;
  private final List<Path> volumes;
  private final Counts counts;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** The volume it talks about, "" before the first. */
  private String file = "";

  LoadClient(URI server, int seed, List<Path> volumes, Counts counts) {
    this.server = server;
    this.random = new SplittableRandom(seed);
    this.volumes = volumes;
    this.counts = counts;
  }

  /** Goes on until a time of {@link System#nanoTime}. */
  void run(long end) {
    while (System.nanoTime() < end) {
      try {
        step();
      } catch (IOException | RuntimeException e) {
        counts.error(e.toString());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void step() throws IOException, InterruptedException {
    if (file.isEmpty() || random.nextInt(8) == 0) {
      upload();
      return;
    }
    switch (random.nextInt(10)) {
      case 0 -> hangUp();
      case 1 -> expect("nonsense", 400, chat("{\"model\": \"demo\", \"messages\": 7}"));
      case 2 -> expect("metrics", 200, send(request("/metrics").build()));
      default -> converse(random.nextBoolean());
    }
  }

  private void upload() throws IOException, InterruptedException {
    if (!file.isEmpty() && random.nextBoolean()) {
      expect("delete", 200, send(request("/v1/files/" + file).DELETE().build()));
    }
    HttpResponse<String> response =
        send(
            request("/v1/files")
                .header("Content-Type", "application/octet-stream")
                .POST(BodyPublishers.ofFile(volumes.get(random.nextInt(volumes.size()))))
                .build());
    if (expect("upload", 200, response)) {
      file = MAPPER.readTree(response.body()).get("id").textValue();
    }
  }

  /** A question and, if it was answered at once, another. */
  void converse(boolean stream) throws IOException, InterruptedException {
    String first = question();
    String turn =
        "{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":\""
            + file
            + "\"}},{\"type\":\"text\",\"text\":\""
            + first
            + "\"}]}";
    HttpResponse<String> response = chat(body(turn, stream));
    if (stream && response.statusCode() == 200) {
      @Nullable String fault = fault(response.body());
      if (fault == null) {
        counts.add("answer");
      } else {
        counts.error("answer: " + fault);
      }
      return;
    }
    if (!expect("answer", 200, response)) {
      Thread.sleep(random.nextInt(500));
      return;
    }
    String answer = MAPPER.readTree(response.body()).at("/choices/0/message/content").textValue();
    String more =
        turn
            + ",{\"role\":\"assistant\",\"content\":"
            + MAPPER.writeValueAsString(answer)
            + "},{\"role\":\"user\",\"content\":\""
            + question()
            + "\"}";
    expect("follow-up", 200, chat(body(more, false)));
  }

  /**
   * Why a stream of events is no answer; null if it is one. Its status says nothing: a server that
   * fails behind the first event sends the error as an event of a response with 200, and ends it as
   * it ends an answer.
   */
  private static @Nullable String fault(String stream) throws IOException {
    boolean finished = false;
    for (String line : stream.split("\n", -1)) {
      if (!line.startsWith(EVENT) || line.equals(END)) {
        continue;
      }
      JsonNode event = MAPPER.readTree(line.substring(EVENT.length()));
      if (event.has("error")) {
        return "an error in the stream: " + event.at("/error/message").asText();
      }
      finished |= event.at("/choices/0/finish_reason").isTextual();
    }
    if (!stream.endsWith(END + "\n\n")) {
      return "a stream without an end";
    }
    return finished ? null : "a stream without a finish_reason";
  }

  private String question() {
    return QUESTIONS.get(random.nextInt(QUESTIONS.size()));
  }

  private static String body(String messages, boolean stream) {
    return "{\"model\":\"demo\",\"stream\":" + stream + ",\"messages\":[" + messages + "]}";
  }

  private void hangUp() throws IOException, InterruptedException {
    String body =
        body(
            "{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":\""
                + file
                + "\"}},{\"type\":\"text\",\"text\":\"Why?\"}]}",
            true);
    try (Socket socket = new Socket(server.getHost(), server.getPort())) {
      socket
          .getOutputStream()
          .write(
              ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type:"
                      + " application/json\r\nContent-Length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
                  .getBytes(StandardCharsets.US_ASCII));
      Thread.sleep(random.nextInt(1000));
    }
    counts.add("hung up");
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server + path));
  }

  private HttpResponse<String> chat(String body) throws IOException, InterruptedException {
    return send(
        request("/v1/chat/completions")
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build());
  }

  private HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
    counts.status(response.statusCode());
    return response;
  }

  /** Whether the status is the expected one; 429 is none, but no error either. */
  private boolean expect(String what, int status, HttpResponse<String> response)
      throws IOException {
    if (response.statusCode() == status) {
      counts.add(what);
      return true;
    }
    if (response.statusCode() == 429) {
      return false;
    }
    JsonNode error = MAPPER.readTree(response.body());
    counts.error(what + ": " + response.statusCode() + " " + error.at("/error/message").asText());
    return false;
  }
}
