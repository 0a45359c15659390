package org.medpruner.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One request and its response. Answers are sent on the connection's event loop, whatever thread
 * asks for it; what comes after the end, or after the client has gone, is dropped.
 */
final class Exchange {
  /** Learns how an exchange ended; called once, on the event loop. */
  @FunctionalInterface
  interface Ended {
    /**
     * It ended.
     *
     * @param status 499 if the client went before its answer was whole
     */
    void ended(Exchange exchange, int status, double seconds);
  }

  /** What nginx logs for a client that went away. */
  static final int CLIENT_GONE = 499;

  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final Context context;
  private final String route;
  private final long start = System.nanoTime();
  private final Ended ended;
  private @Nullable Runnable onGone;
  private @Nullable Runnable onUnreadable;
  private boolean over;

  /** The event loop while its answers must not wait for its next turn. */
  private volatile @Nullable Thread atOnce;

  private volatile String note = "";

  Exchange(Vertx vertx, HttpServerRequest request, String route, Ended ended) {
    this.request = request;
    this.response = request.response();
    this.context = vertx.getOrCreateContext();
    this.route = route;
    this.ended = ended;
    response.exceptionHandler(e -> {});
    request.exceptionHandler(this::broken);
    response.closeHandler(v -> gone());
    response.endHandler(v -> over(response.getStatusCode()));
    response.putHeader("X-Content-Type-Options", "nosniff").putHeader("Cache-Control", "no-store");
  }

  /** The connection is closed, or what came on it is no request body that can be decoded. */
  private void broken(Throwable e) {
    Runnable action = onUnreadable;
    if (e instanceof IOException || e instanceof HttpClosedException || action == null) {
      gone();
    } else if (!over) {
      // Vert.x closes the connection behind this call if it was the chunks that made no sense.
      atOnce = Thread.currentThread();
      action.run();
      atOnce = null;
    }
  }

  private void gone() {
    if (!over) {
      Runnable action = onGone;
      over(CLIENT_GONE);
      if (action != null) {
        action.run();
      }
    }
  }

  private void over(int status) {
    if (!over) {
      over = true;
      onGone = null;
      onUnreadable = null;
      ended.ended(this, status, seconds());
    }
  }

  /** The request; used on the event loop. */
  HttpServerRequest request() {
    return request;
  }

  /** Method and pattern of the path, for logs: the path itself may hold anything. */
  String route() {
    return route;
  }

  /** What the log says about this exchange: numbers and ids. */
  String note() {
    return note;
  }

  /** Sets the {@link #note}. */
  void note(String text) {
    note = text;
  }

  /** Seconds since the request's head. */
  double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  /** Has something run, on the event loop, if the client goes before the end. */
  void onGone(Runnable action) {
    onGone = action;
  }

  /** Has something run, on the event loop, if the request's body cannot be decoded. */
  void onUnreadable(Runnable action) {
    onUnreadable = action;
  }

  /** As {@link #onGone} from any thread; at once if the client has gone already. */
  void cancelWith(Runnable action) {
    context.runOnContext(
        v -> {
          if (over) {
            action.run();
          } else {
            onGone = action;
          }
        });
  }

  /** Has something run on the event loop, unless the exchange is over by then. */
  void onLoop(Runnable action) {
    Runnable unlessOver =
        () -> {
          if (!over && !response.ended() && !response.closed()) {
            action.run();
          }
        };
    if (atOnce == Thread.currentThread()) {
      unlessOver.run();
    } else {
      context.runOnContext(v -> unlessOver.run());
    }
  }

  /** Whether the head of the response is under way; asked on the event loop. */
  boolean begun() {
    return response.headWritten();
  }

  /** Sends JSON. */
  void json(int status, JsonNode body) {
    send(status, "application/json", Json.bytes(body));
  }

  /** Sends a body of any type. */
  void send(int status, String type, byte[] body) {
    onLoop(
        () -> {
          response.setStatusCode(status).putHeader("Content-Type", type);
          response.end(Buffer.buffer(body));
        });
  }

  /** Sends an error, behind what was streamed already if something was. */
  void fail(ApiError error) {
    onLoop(
        () -> {
          if (response.headWritten()) {
            event(error.json());
            done();
            return;
          }
          note("error " + error.code());
          switch (error.status()) {
            case 401 -> response.putHeader("WWW-Authenticate", "Bearer");
            case 429, 503, 507 -> response.putHeader("Retry-After", "5");
            default -> {}
          }
          json(error.status(), error.json());
        });
  }

  /** Adds a header; on the event loop, before anything is sent. */
  void header(String name, String value) {
    response.putHeader(name, value);
  }

  /** Sends one server-sent event; on the event loop. */
  void event(ObjectNode data) {
    raw("data: " + new String(Json.bytes(data), StandardCharsets.UTF_8) + "\n\n");
  }

  /** Sends a comment, which keeps intermediaries from closing the connection. */
  void heartbeat() {
    raw(": \n\n");
  }

  /** Ends a stream of events; on the event loop. */
  void done() {
    raw("data: [DONE]\n\n");
    response.end();
  }

  private void raw(String text) {
    if (!response.headWritten()) {
      response
          .setStatusCode(200)
          .setChunked(true)
          .putHeader("Content-Type", "text/event-stream; charset=utf-8")
          .putHeader("X-Accel-Buffering", "no");
    }
    response.write(text);
  }
}
