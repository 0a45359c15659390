package org.medpruner.serve;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** Receives the bodies of requests, within a size and a time. Used by the event loop. */
final class Bodies {
  /** Longest pause between two parts of a body. */
  private static final long STALL_MILLIS = 30_000;

  /** How long a client that was refused may go on sending, so that it gets to read why. */
  private static final long LINGER_MILLIS = 10_000;

  /** For all bodies in memory: a full heap would be met by whoever allocates next. */
  private static final long MOST_HELD = Runtime.getRuntime().maxMemory() / 4;

  private final AtomicLong held = new AtomicLong();
  private final Vertx vertx;
  private final Duration most;
  private final Log log;

  /**
   * A receiver.
   *
   * @param most time for a whole body
   */
  Bodies(Vertx vertx, Duration most, Log log) {
    this.vertx = vertx;
    this.most = most;
    this.log = log;
  }

  /** Something that may fail. */
  @FunctionalInterface
  interface Step {
    /** Does it. */
    void run() throws Exception;
  }

  /** What happens to a body. */
  interface Receiver {
    /** A part came. */
    void part(Buffer part) throws Exception;

    /** All of it came. */
    void whole() throws Exception;

    /** It did not come whole, or was refused; nothing follows. */
    void failed();
  }

  /**
   * Receives a body.
   *
   * @param limit most bytes
   * @param tooLarge the answer to more
   */
  Reception receive(Exchange exchange, long limit, ApiError tooLarge, Receiver receiver) {
    Reception reception = new Reception(exchange, limit, tooLarge, receiver);
    reception.begin();
    return reception;
  }

  /** Receives a body into memory. */
  void whole(
      Exchange exchange, long limit, ApiError tooLarge, Consumer<Body> then, Runnable failed) {
    Body body = new Body(held, MOST_HELD);
    Reception unused =
        receive(
            exchange,
            limit,
            tooLarge,
            new Receiver() {
              @Override
              public void part(Buffer part) {
                body.append(part);
              }

              @Override
              public void whole() {
                then.accept(body);
              }

              @Override
              public void failed() {
                body.clear();
                failed.run();
              }
            });
  }

  /** Answers with an error a request whose body was not read, and lets the body run out. */
  void refuse(Exchange exchange, ApiError error) {
    exchange.fail(error);
    HttpServerRequest request = exchange.request();
    if (!request.isEnded()) {
      request.handler(b -> {});
      request.resume();
      long timer = vertx.setTimer(LINGER_MILLIS, id -> request.connection().close());
      request.endHandler(v -> vertx.cancelTimer(timer));
    }
  }

  /** A body under way. */
  final class Reception {
    private final Exchange exchange;
    private final HttpServerRequest request;
    private final long limit;
    private final ApiError tooLarge;
    private final Receiver receiver;
    private final long deadline = System.nanoTime() + most.toNanos();
    private long bytes;
    private long lastPart = System.nanoTime();
    private long timer = -1;
    private boolean stopped;

    private Reception(Exchange exchange, long limit, ApiError tooLarge, Receiver receiver) {
      this.exchange = exchange;
      this.request = exchange.request();
      this.limit = limit;
      this.tooLarge = tooLarge;
      this.receiver = receiver;
    }

    private void begin() {
      if (declared() > limit) {
        fail(tooLarge);
        return;
      }
      if ("100-continue".equalsIgnoreCase(request.getHeader("Expect"))) {
        request.response().writeContinue();
      }
      exchange.onGone(this::stop);
      exchange.onUnreadable(() -> fail(unreadable()));
      timer = vertx.setPeriodic(Math.min(1000, STALL_MILLIS), id -> checkTime());
      request.handler(this::part);
      request.endHandler(v -> end());
    }

    private ApiError unreadable() {
      return request.isExpectMultipart()
          ? ApiError.bad(
              "file",
              "the form cannot be read; send each file as a part with a filename, unencoded, or one"
                  + " file as application/octet-stream")
          : ApiError.bad(null, "the body cannot be read; its transfer encoding is broken");
    }

    private long declared() {
      try {
        String length = request.getHeader("Content-Length");
        return length == null ? 0 : Long.parseLong(length);
      } catch (NumberFormatException e) {
        return Long.MAX_VALUE;
      }
    }

    private void part(Buffer part) {
      lastPart = System.nanoTime();
      bytes += part.length();
      attempt(
          () -> {
            if (bytes > limit) {
              throw tooLarge;
            }
            receiver.part(part);
          });
    }

    private void end() {
      if (!stopped) {
        vertx.cancelTimer(timer);
        exchange.onGone(() -> {});
        exchange.onUnreadable(() -> {});
        attempt(receiver::whole);
      }
    }

    private void checkTime() {
      long now = System.nanoTime();
      if (now - lastPart > STALL_MILLIS * 1_000_000 || now > deadline) {
        fail(ApiError.tooSlow());
      }
    }

    /** Does something with what came; if it fails, the request does. */
    void attempt(Step step) {
      if (stopped) {
        return;
      }
      try {
        step.run();
      } catch (Exception | OutOfMemoryError e) {
        fail(ApiError.of(e, log));
      }
    }

    private void fail(ApiError error) {
      stop();
      refuse(exchange, error);
    }

    private void stop() {
      if (!stopped) {
        stopped = true;
        vertx.cancelTimer(timer);
        receiver.failed();
      }
    }
  }
}
