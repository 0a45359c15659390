package org.medpruner.serve;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.BindException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.medpruner.InputException;
import org.medpruner.MedPrunerException;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.memory.Encodings;

/**
 * An HTTP server that answers questions about volumes, in the shape of OpenAI's chat completions;
 * docs/serve.md has the endpoints. The model is asked by one thread, one request after the other;
 * it must stay open until {@link #close} and serve nobody else. Thread-safe.
 *
 * {@snippet :
 * try (var model = VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
 *     var server = MedPrunerServer.start(model, ServerOptions.DEFAULT, System.err::println)) {
 *   System.out.println(server.uri());
 *   Thread.sleep(Long.MAX_VALUE);
 * }
 * }
 */
public final class MedPrunerServer implements AutoCloseable {
  private static final int SHUTDOWN_SECONDS = 5;

  /** Of a form; what else OpenAI's clients send, such as the purpose, is a few. */
  private static final int MOST_FIELDS = Unzip.MOST_FILES + 64;

  /** Encoded ones to keep, each some megabytes. */
  private static final int MOST_VOLUMES = 4;

  private final ServerOptions options;
  private final FileStore files;
  private final Worker worker;
  private final Encodings<VolumeInput.Key, VolumeInput> encodings;
  private final Vertx vertx;
  private final HttpServer http;
  private final Chat chat;
  private final Log log;
  private final String model;
  private boolean closed;

  private MedPrunerServer(VisionLanguageModel model, ServerOptions options, Log log) {
    this.options = options;
    this.log = log;
    this.model = model.info().name();
    files =
        new FileStore(
            options.maxUploadBytes(), options.maxUnpackedBytes(), options.maxStoredBytes());
    worker = new Worker(options.queue(), log);
    encodings = new Encodings<>(model, MOST_VOLUMES);
    files.onRemoval(() -> worker.run(() -> encodings.forgetUnless(k -> files.has(k.file()))));
    vertx = Vertx.vertx(vertxOptions());
    Metrics metrics = new Metrics();
    Audits audits = new Audits();
    Bodies bodies = new Bodies(vertx, options.timeout(), log);
    Connections connections = new Connections(vertx);
    chat =
        new Chat(
            vertx,
            options,
            this.model,
            worker,
            files,
            bodies,
            new ChatJob.Tools(model, files, this.model, encodings, audits, metrics, log));
    gauges(metrics);
    Router router =
        new Router(
            vertx,
            connections,
            new Access(options.token()),
            bodies,
            chat,
            new Uploads(files, bodies, options.maxUploadBytes(), worker::closing, log),
            audits,
            metrics,
            this.model,
            log);
    http =
        vertx
            .createHttpServer(httpOptions())
            .connectionHandler(connections::opened)
            .requestHandler(router::handle);
  }

  /** One loop: all it does is pass bytes on. */
  private static VertxOptions vertxOptions() {
    return new VertxOptions()
        .setEventLoopPoolSize(1)
        .setWorkerPoolSize(1)
        .setInternalBlockingPoolSize(1)
        .setUseDaemonThread(true)
        // Its first request loads classes, which on a busy machine takes seconds.
        .setMaxEventLoopExecuteTime(60)
        .setMaxEventLoopExecuteTimeUnit(TimeUnit.SECONDS)
        .setFileSystemOptions(
            new FileSystemOptions()
                .setFileCachingEnabled(false)
                .setClassPathResolvingEnabled(false));
  }

  private static HttpServerOptions httpOptions() {
    return new HttpServerOptions()
        .setHttp2ClearTextEnabled(false)
        .setMaxHeaderSize(16 << 10)
        .setMaxInitialLineLength(4 << 10)
        .setMaxFormAttributeSize(4 << 10)
        // Files count too: a series may come as one form with a part for each slice.
        .setMaxFormFields(MOST_FIELDS)
        .setTcpNoDelay(true);
  }

  private void gauges(Metrics metrics) {
    metrics.gauge(
        "medpruner_requests_in_progress",
        "Chat requests that wait or are answered.",
        worker::admitted);
    metrics.gauge("medpruner_queue_capacity", "Chat requests that may wait.", worker::capacity);
    metrics.gauge(
        "medpruner_worker_busy", "Whether the model works.", () -> worker.running() ? 1 : 0);
    metrics.gauge("medpruner_files", "Uploads stored.", files::count);
    metrics.gauge("medpruner_file_bytes", "Bytes of uploads stored.", files::bytes);
  }

  /**
   * Starts a server, which listens when this returns. It deletes its uploads when it is closed and
   * leaves the model open.
   *
   * @param model what is asked; stays the caller's, who closes it after the server
   * @param options how to serve
   * @param log takes the lines of the log, from several threads, and must not throw
   * @return the server
   * @throws InputException if the port cannot be had
   * @throws IllegalArgumentException if the host has no address here
   * @throws MedPrunerException if the server cannot be started for another reason
   */
  public static MedPrunerServer start(
      VisionLanguageModel model, ServerOptions options, Consumer<String> log) {
    MedPrunerServer server = new MedPrunerServer(model, options, new Log(log));
    try {
      InetAddress address = ServerOptions.address(options.host());
      wait(
          server.http.listen(
              SocketAddress.inetSocketAddress(options.port(), address.getHostAddress())));
      return server;
    } catch (CompletionException e) {
      server.close();
      throw cannotListen(options, e);
    } catch (RuntimeException | Error e) {
      server.close();
      throw e;
    }
  }

  /**
   * Looks whether the port can be had at the moment: before a model is loaded for nothing.
   *
   * @param options whose host and port are tried
   * @throws InputException if it cannot
   * @throws IllegalArgumentException if the host has no address here
   */
  public static void check(ServerOptions options) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(ServerOptions.address(options.host()), options.port()));
    } catch (IOException e) {
      throw cannotListen(options, e);
    }
  }

  private static RuntimeException cannotListen(ServerOptions options, Throwable e) {
    Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
    String where = "port " + options.port() + " of " + options.host();
    if (cause instanceof BindException
        && String.valueOf(cause.getMessage()).contains("already in use")) {
      return new InputException(where + " is in use; choose another one, or 0 for a free one", e);
    }
    return cause instanceof IOException
        ? new InputException(where + " cannot be listened on (" + cause.getMessage() + ")", e)
        : new MedPrunerException("the server cannot be started: " + cause, e);
  }

  private static <T> T wait(Future<T> future) {
    return future.toCompletionStage().toCompletableFuture().join();
  }

  /**
   * Where it listens.
   *
   * @return {@code http://}, the host's address in numbers, and the port that was taken; no path
   */
  public URI uri() {
    InetAddress address = ServerOptions.address(options.host());
    String host = address.getHostAddress();
    return URI.create(
        "http://"
            + (address instanceof Inet6Address ? "[" + host + "]" : host)
            + ":"
            + http.actualPort());
  }

  /**
   * What clients give as model.
   *
   * @return the name of the model's folder
   */
  public String model() {
    return model;
  }

  /**
   * Takes no new questions, answers those that were taken for as long as {@link
   * ServerOptions#drain} allows, ends the rest with an error, and deletes all uploads. The model's
   * step that runs is waited for without a limit, which the log says: what it uses is freed after
   * it. An interrupt ends the time of the answers, not that wait, and is kept. Idempotent.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (!worker.drain(options.drain())) {
      log.line("shutdown: not all answers were ready in time");
      chat.cancelAll();
    }
    // First of all: what waits below may take longer than the process is given, and volumes of
    // patients must not outlive it.
    files.close();
    // The task that runs sees its cancellation at the model's next step. However long that is: the
    // model is its caller's to close behind this.
    worker.close();
    try {
      wait(http.shutdown(SHUTDOWN_SECONDS, TimeUnit.SECONDS));
      wait(vertx.close());
    } catch (CompletionException e) {
      log.defect(e);
    }
    encodings.close();
    files.close();
  }
}
