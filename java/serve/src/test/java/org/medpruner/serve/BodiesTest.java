package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies in memory, and what becomes of a request whose body cannot be taken. */
class BodiesTest {
  @Test
  void aBodyIsReadAsItCame() throws Exception {
    AtomicLong held = new AtomicLong();
    Random random = new Random(1);
    byte[] bytes = new byte[300_000];
    random.nextBytes(bytes);
    for (int part : List.of(1, 1000, 65_536, 70_000, bytes.length)) {
      Body body = new Body(held, 1 << 20);
      for (int at = 0; at < bytes.length; at += part) {
        body.append(Buffer.buffer(bytes).slice(at, Math.min(bytes.length, at + part)));
      }
      assertEquals(bytes[0] & 0xff, body.read());
      assertArrayEquals(bytes, joined(bytes[0], body.readAllBytes()));
      assertEquals(-1, body.read());
    }
    Body empty = new Body(held, 1 << 20);
    assertEquals(-1, empty.read());
    empty.append(Buffer.buffer("ab"));
    empty.clear();
    assertEquals(0, empty.readAllBytes().length);
    assertEquals(0, held.get());
  }

  @Test
  void allBodiesTogetherAreBounded() {
    AtomicLong held = new AtomicLong();
    Buffer part = Buffer.buffer(new byte[600_000]);
    Body first = new Body(held, 1 << 20);
    first.append(part);
    Body second = new Body(held, 1 << 20);
    assertEquals(503, assertThrows(ApiError.class, () -> second.append(part)).status());
    second.clear();
    first.clear();
    new Body(held, 1 << 20).append(part);
  }

  private static byte[] joined(byte first, byte[] rest) {
    byte[] all = new byte[rest.length + 1];
    all[0] = first;
    System.arraycopy(rest, 0, all, 1, rest.length);
    return all;
  }

  /** Fails where it is told to, and counts its ends. */
  private record Failing(Throwable failure, boolean atEnd, AtomicInteger ends)
      implements Bodies.Receiver {
    @Override
    public void part(Buffer part) throws Exception {
      if (!atEnd) {
        fail();
      }
    }

    @Override
    public void whole() throws Exception {
      fail();
    }

    private void fail() throws Exception {
      if (failure instanceof Error e) {
        throw e;
      }
      throw (Exception) failure;
    }

    @Override
    public void failed() {
      ends.incrementAndGet();
    }
  }

  private static HttpResponse<String> post(Failing receiver, List<String> log) throws Exception {
    Vertx vertx = Vertx.vertx();
    try (HttpClient client = HttpClient.newHttpClient()) {
      Bodies bodies = new Bodies(vertx, Duration.ofMinutes(1), new Log(log::add));
      HttpServer server =
          vertx
              .createHttpServer()
              .requestHandler(
                  request -> {
                    Exchange exchange =
                        new Exchange(vertx, request, "POST /", (e, status, seconds) -> {});
                    Bodies.Reception unused =
                        bodies.receive(exchange, 1 << 20, ApiError.full(1), receiver);
                  });
      int port =
          server
              .listen(0, "127.0.0.1")
              .toCompletionStage()
              .toCompletableFuture()
              .get()
              .actualPort();
      return client.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port))
              .version(HttpClient.Version.HTTP_1_1)
              .POST(BodyPublishers.ofString("a body"))
              .build(),
          BodyHandlers.ofString());
    } finally {
      vertx.close().toCompletionStage().toCompletableFuture().get();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whoMeetsAFullHeapIsAnswered(boolean atEnd) throws Exception {
    List<String> log = new CopyOnWriteArrayList<>();
    Failing receiver = new Failing(new OutOfMemoryError(), atEnd, new AtomicInteger());
    HttpResponse<String> response = post(receiver, log);
    assertEquals(503, response.statusCode());
    assertEquals("out_of_memory", TestServer.code(response));
    assertEquals(1, receiver.ends.get());
    assertEquals(List.of(), log);
  }

  @Test
  void theLogSaysWhereADefectIs() throws Exception {
    List<String> log = new CopyOnWriteArrayList<>();
    Failing receiver =
        new Failing(new IllegalStateException("a secret"), false, new AtomicInteger());
    assertEquals(500, post(receiver, log).statusCode());
    assertTrue(log.getFirst().contains("IllegalStateException"), log.toString());
    assertTrue(log.getFirst().contains("BodiesTest.theLogSays"), log.toString());
    assertTrue(log.stream().noneMatch(l -> l.contains("secret")), log.toString());
  }
}
