package org.medpruner.serve;

import io.vertx.core.Vertx;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Answer;

/** How an answer goes out: whole, or in events. May be used from any thread. */
final class ChatReply {
  /** Intermediaries give up on silent connections after half a minute or more. */
  private static final long HEARTBEAT_MILLIS = 10_000;

  private final Exchange exchange;
  private final Vertx vertx;
  private final Completion completion;
  private final boolean stream;
  private final boolean usage;
  private final long heartbeat;

  /** Whether the first event is out; used on the event loop. */
  private boolean begun;

  ChatReply(Exchange exchange, Vertx vertx, Completion completion, ChatRequest request) {
    this.exchange = exchange;
    this.vertx = vertx;
    this.completion = completion;
    this.stream = request.stream();
    this.usage = request.usage();
    // Until the first one an error still gets its own status.
    this.heartbeat =
        stream
            ? vertx.setPeriodic(HEARTBEAT_MILLIS, id -> exchange.onLoop(exchange::heartbeat))
            : -1;
  }

  /** A piece of the answer. */
  void piece(String text) {
    exchange.onLoop(
        () -> {
          begin();
          exchange.event(completion.piece(text));
        });
  }

  /** The answer is whole. */
  void whole(Answer answer, PruningReport report) {
    stopHeartbeat();
    if (!stream) {
      exchange.json(200, completion.whole(answer, report));
      return;
    }
    exchange.onLoop(
        () -> {
          begin();
          exchange.event(completion.last(answer, report));
          if (usage) {
            exchange.event(completion.usage(answer));
          }
          exchange.done();
        });
  }

  /** There is no answer. */
  void failed(ApiError error) {
    stopHeartbeat();
    exchange.fail(error);
  }

  private void begin() {
    if (!begun) {
      begun = true;
      exchange.event(completion.first());
    }
  }

  /** Also where nobody listens any more. */
  void stopHeartbeat() {
    if (heartbeat >= 0) {
      vertx.cancelTimer(heartbeat);
    }
  }
}
