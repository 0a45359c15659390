package org.medpruner.serve;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** {@code POST /v1/chat/completions}: from a request's head to its place in the queue. */
final class Chat {
  /**
   * Bodies are held in memory, pictures included; as many of them as are admitted. To read one
   * takes a few times as much, so one is read at a time.
   */
  private static final long MOST_BODY = 64L << 20;

  private final Vertx vertx;
  private final ServerOptions options;
  private final String model;
  private final Worker worker;
  private final FileStore files;
  private final Bodies bodies;
  private final ChatJob.Tools tools;
  private final Set<ChatJob> jobs = ConcurrentHashMap.newKeySet();
  private final ReentrantLock reading = new ReentrantLock();

  Chat(
      Vertx vertx,
      ServerOptions options,
      String model,
      Worker worker,
      FileStore files,
      Bodies bodies,
      ChatJob.Tools tools) {
    this.vertx = vertx;
    this.options = options;
    this.model = model;
    this.worker = worker;
    this.files = files;
    this.bodies = bodies;
    this.tools = tools;
  }

  /** Takes a request; on the event loop. */
  void receive(Exchange exchange) {
    String type = exchange.request().getHeader("Content-Type");
    // Asking for it keeps pages of other sites from sending one without the browser asking first.
    if (type == null || !type.toLowerCase(Locale.ROOT).startsWith("application/json")) {
      throw ApiError.wrongType("application/json");
    }
    worker.admit();
    AtomicBoolean left = new AtomicBoolean();
    Runnable leave =
        () -> {
          if (left.compareAndSet(false, true)) {
            worker.leave();
          }
        };
    long limit = Math.min(MOST_BODY, options.maxUploadBytes());
    bodies.whole(
        exchange,
        limit,
        ApiError.tooLarge("the request", limit, "upload the volume to /v1/files instead"),
        // Large bodies take a while to read, which the event loop has not got.
        body -> Thread.startVirtualThread(() -> accept(exchange, body, leave)),
        leave);
  }

  private void accept(Exchange exchange, Body body, Runnable leave) {
    StoredFile file = null;
    boolean queued = false;
    try {
      ChatRequest request;
      reading.lock();
      try {
        ChatRequest read = ChatRequest.parse(Json.object(body), model, options);
        file = hold(read);
        request = read.about(file);
      } finally {
        body.clear();
        reading.unlock();
      }
      enqueue(exchange, request, file, leave);
      queued = true;
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      exchange.fail(ApiError.of(e, tools.log()));
    } finally {
      if (!queued) {
        if (file != null) {
          files.letGo(file);
        }
        leave.run();
      }
    }
  }

  private StoredFile hold(ChatRequest request) throws IOException {
    @Nullable String id = request.messages().fileId();
    return files.hold(id == null ? files.pictures(request.messages().pictures()).id() : id);
  }

  private void enqueue(Exchange exchange, ChatRequest request, StoredFile file, Runnable leave) {
    Completion completion = Completion.of(model);
    exchange.note(completion.id());
    AtomicLong timer = new AtomicLong(-1);
    ChatJob job =
        new ChatJob(
            tools,
            request,
            file,
            completion,
            new ChatReply(exchange, vertx, completion, request),
            options.timeout().toSeconds(),
            ended -> {
              jobs.remove(ended);
              vertx.cancelTimer(timer.get());
              files.letGo(ended.file());
              leave.run();
            });
    jobs.add(job);
    long left = options.timeout().toMillis() - (long) (exchange.seconds() * 1000);
    timer.set(vertx.setTimer(Math.max(1, left), id -> job.cancel(ChatJob.Cancellation.TIMEOUT)));
    exchange.cancelWith(() -> job.cancel(ChatJob.Cancellation.GONE));
    worker.run(job);
  }

  /** Whether no more requests are taken. */
  boolean closing() {
    return worker.closing();
  }

  /** Ends all that waits or runs. */
  void cancelAll() {
    jobs.forEach(job -> job.cancel(ChatJob.Cancellation.CLOSING));
  }
}
