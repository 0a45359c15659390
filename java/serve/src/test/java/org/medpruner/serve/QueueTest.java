package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.errors.RateLimitException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.vlm.fixtures.WatchedModel;

/** What happens while the model works: waiting, leaving, taking too long, closing. */
class QueueTest {
  private static WatchedModel model;
  private final ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();

  @BeforeAll
  static void load() {
    model = new WatchedModel(Demo.load());
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
    }
  }

  @AfterEach
  void end() {
    model.stopNowhere();
    clients.shutdownNow();
  }

  private static void awaitAdmitted(TestServer server, int count)
      throws IOException, InterruptedException {
    while (server.metric("medpruner_requests_in_progress") != count) {
      Thread.sleep(20);
    }
  }

  @Test
  void aFullQueueTurnsAway() throws Exception {
    try (TestServer server = new TestServer(model, TestServer.OPTIONS.withQueue(1))) {
      String file = server.upload(Demo.phantom(5));
      WatchedModel.Gate gate = model.stopAt("encode");
      Future<HttpResponse<String>> first =
          clients.submit(() -> server.chat(server.body(file, Demo.QUESTION, "")));
      gate.await();
      Future<HttpResponse<String>> second =
          clients.submit(() -> server.chat(server.body(file, Demo.FURTHER, "")));
      awaitAdmitted(server, 2);
      HttpResponse<String> third = server.chat(server.body(file, "a?", ""));
      assertEquals(429, third.statusCode());
      assertEquals("queue_full", TestServer.code(third));
      assertEquals("5", third.headers().firstValue("Retry-After").orElse(""));
      assertThrows(RateLimitException.class, () -> server.ask(server.about(file, "a?")));
      assertEquals(200, server.get("/healthz").statusCode());
      gate.open();
      assertEquals(200, first.get().statusCode());
      assertEquals(200, second.get().statusCode());
      assertEquals(200, server.chat(server.body(file, Demo.QUESTION, "")).statusCode());
      // A request is over a moment after its answer has arrived.
      awaitAdmitted(server, 0);
    }
  }

  /** A client that can hang up: Java's own does so when it likes. */
  private static Socket ask(TestServer server, String body) throws IOException {
    Socket socket = new Socket("127.0.0.1", server.server.uri().getPort());
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    socket
        .getOutputStream()
        .write(
            ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type:"
                    + " application/json\r\nContent-Length: "
                    + bytes.length
                    + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
    return socket;
  }

  @ParameterizedTest
  @CsvSource({"decode,true", "decode,false", "encode,false", "prefill,true"})
  void workStopsWhenTheClientIsGone(String stage, boolean stream) throws Exception {
    try (TestServer server = new TestServer(model, TestServer.OPTIONS)) {
      String file = server.upload(Demo.phantom(5));
      WatchedModel.Gate gate = model.stopAt(stage);
      Socket client = ask(server, server.body(file, Demo.QUESTION, ", \"stream\": " + stream));
      gate.await();
      client.close();
      // The server knows before the model goes on.
      server.awaitLog("POST /v1/chat/completions 499");
      gate.open();
      awaitAdmitted(server, 0);
      assertEquals(1, gate.updates(), "the model went on");
      assertEquals(1, server.metric("medpruner_answers_total{ending=\"cancelled\"}"));
      model.stopNowhere();
      HttpResponse<String> next = server.chat(server.body(file, Demo.QUESTION, ""));
      assertEquals(200, next.statusCode(), next.body());
    }
  }

  @Test
  void aClientThatLeavesTheQueueMakesRoom() throws Exception {
    try (TestServer server = new TestServer(model, TestServer.OPTIONS.withQueue(1))) {
      String file = server.upload(Demo.phantom(5));
      WatchedModel.Gate gate = model.stopAt("encode");
      Future<HttpResponse<String>> first =
          clients.submit(() -> server.chat(server.body(file, Demo.QUESTION, "")));
      gate.await();
      Socket waiting = ask(server, server.body(file, Demo.FURTHER, ""));
      awaitAdmitted(server, 2);
      waiting.close();
      awaitAdmitted(server, 1);
      Future<HttpResponse<String>> third =
          clients.submit(() -> server.chat(server.body(file, Demo.FURTHER, "")));
      awaitAdmitted(server, 2);
      gate.open();
      assertEquals(200, first.get().statusCode());
      assertEquals(200, third.get().statusCode());
    }
  }

  @Test
  void aQuestionWhoseFileIsDeletedWhileItWaitsIs404() throws Exception {
    try (TestServer server = new TestServer(model, TestServer.OPTIONS)) {
      String file = server.upload(Demo.phantom(5));
      String other = server.upload(Demo.phantom(5));
      WatchedModel.Gate gate = model.stopAt("encode");
      Future<HttpResponse<String>> first =
          clients.submit(() -> server.chat(server.body(file, Demo.QUESTION, "")));
      gate.await();
      Future<HttpResponse<String>> second =
          clients.submit(() -> server.chat(server.body(other, Demo.QUESTION, "")));
      awaitAdmitted(server, 2);
      server.send(server.request("/v1/files/" + other).DELETE().build());
      gate.open();
      assertEquals(200, first.get().statusCode());
      assertEquals(404, second.get().statusCode(), second.get().body());
      assertEquals("file_not_found", TestServer.code(second.get()));
    }
  }

  @Test
  void whatTakesTooLongIsEnded() throws Exception {
    try (TestServer server =
        new TestServer(model, TestServer.OPTIONS.withTimeout(Duration.ofSeconds(5)))) {
      String file = server.upload(Demo.phantom(5));
      // What is slow once must not take the time that the next one has to come to the gate.
      server.chat(server.body(file, Demo.QUESTION, ""));
      WatchedModel.Gate gate = model.stopAt("anchor");
      Future<HttpResponse<String>> first =
          clients.submit(
              () ->
                  server.chat(
                      server.body(
                          file, Demo.QUESTION, ", \"medpruner\": {\"preset\": \"nucleus\"}")));
      gate.await();
      // One that waits is answered at once, though the model is stuck.
      HttpResponse<String> second = server.chat(server.body(file, Demo.FURTHER, ""));
      assertEquals(504, second.statusCode());
      assertEquals("timeout", TestServer.code(second));
      gate.open();
      assertEquals(504, first.get().statusCode());
      assertTrue(server.metric("medpruner_answers_total{ending=\"timeout\"}") >= 2);
    }
  }

  @Test
  void closingAnswersWhatWasTaken() throws Exception {
    TestServer server = new TestServer(model, TestServer.OPTIONS);
    List<Path> before = folders();
    String file = server.upload(Demo.phantom(5));
    WatchedModel.Gate gate = model.stopAt("decode");
    Future<HttpResponse<String>> first =
        clients.submit(() -> server.chat(server.body(file, Demo.QUESTION, ", \"stream\": true")));
    gate.await();
    CompletableFuture<Void> closing = CompletableFuture.runAsync(server.server::close, clients);
    while (server.get("/healthz").statusCode() != 503) {
      Thread.sleep(20);
    }
    HttpResponse<String> late = server.chat(server.body(file, Demo.FURTHER, ""));
    assertEquals(503, late.statusCode());
    HttpResponse<String> upload =
        server.post("/v1/files", "application/octet-stream", BodyPublishers.ofString("late"));
    assertEquals(503, upload.statusCode(), upload.body());
    assertEquals("shutting_down", TestServer.code(upload));
    assertFalse(closing.isDone());
    gate.open();
    HttpResponse<String> answer = first.get();
    assertEquals(200, answer.statusCode());
    assertTrue(answer.body().endsWith("data: [DONE]\n\n"), answer.body());
    closing.get();
    assertThrows(ConnectException.class, () -> server.get("/healthz"));
    assertEquals(before.size() - 1, folders().size(), "the uploads are still there");
    server.close();
  }

  private static List<Path> folders() throws IOException {
    try (Stream<Path> all = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return all.filter(p -> p.getFileName().toString().startsWith("medpruner-serve-")).toList();
    }
  }

  @Test
  void closingDoesNotWaitForEver() throws Exception {
    TestServer server = new TestServer(model, TestServer.OPTIONS.withDrain(Duration.ofMillis(50)));
    String file = server.upload(Demo.phantom(5));
    WatchedModel.Gate gate = model.stopAt("encode");
    Future<HttpResponse<String>> first =
        clients.submit(() -> server.chat(server.body(file, Demo.QUESTION, "")));
    Future<HttpResponse<String>> second =
        clients.submit(
            () -> {
              gate.await();
              return server.chat(server.body(file, Demo.FURTHER, ""));
            });
    awaitAdmitted(server, 2);
    gate.await();
    CompletableFuture<Void> closing = CompletableFuture.runAsync(server.server::close, clients);
    server.awaitLog("not all answers were ready");
    assertEquals(503, second.get().statusCode());
    gate.open();
    assertEquals(503, first.get().statusCode());
    closing.get();
    server.close();
  }

  /** A prefill on a CPU may take longer than the process is given; nobody deletes behind it. */
  @Test
  void uploadsAreGoneBeforeTheModelsStepIsOver() throws Exception {
    List<Path> before = folders();
    TestServer server = new TestServer(model, TestServer.OPTIONS.withDrain(Duration.ofMillis(50)));
    String file = server.upload(Demo.phantom(5));
    List<Path> own = folders().stream().filter(p -> !before.contains(p)).toList();
    assertEquals(1, own.size());
    WatchedModel.Gate gate = model.stopAt("encode");
    Future<HttpResponse<String>> first =
        clients.submit(() -> server.chat(server.body(file, Demo.QUESTION, "")));
    gate.await();
    CompletableFuture<Void> closing = CompletableFuture.runAsync(server.server::close, clients);
    server.awaitLog("not all answers were ready");
    for (int i = 0; i < 100 && Files.exists(own.getFirst()); i++) {
      Thread.sleep(20);
    }
    assertFalse(Files.exists(own.getFirst()), "the uploads are still there");
    assertFalse(closing.isDone());
    gate.open();
    assertEquals(503, first.get().statusCode());
    closing.get();
    server.close();
  }
}
