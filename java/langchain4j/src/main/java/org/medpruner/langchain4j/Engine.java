package org.medpruner.langchain4j;

import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.memory.Encodings;

/**
 * A model, the one thread that uses it, and what waits for it: one request is answered and so many
 * may wait, whoever comes then is turned away. Thread-safe.
 */
final class Engine implements AutoCloseable {
  private final VisionLanguageModel model;
  private final ModelInfo info;
  private final String name;
  private final int waiting;
  private final @Nullable TimeLimit limit;
  private final @Nullable Path root;
  private final Progress progress;
  private final Encodings<VolumeInput.Key, VolumeInput> encodings;
  private final Semaphore places;
  private final Set<Job> jobs = ConcurrentHashMap.newKeySet();
  private final ThreadPoolExecutor executor;
  private volatile @Nullable Thread worker;
  private boolean closed;

  /**
   * Takes the model over.
   *
   * @param waiting requests that may wait
   * @param limit of a request's time, from {@link #submit} on; null for none
   * @param volumes encoded ones to keep
   * @param root where files must lie; null for anywhere
   */
  Engine(
      VisionLanguageModel model,
      int waiting,
      @Nullable TimeLimit limit,
      int volumes,
      @Nullable Path root,
      Progress progress) {
    this.model = model;
    this.info = model.info();
    this.name = info.name();
    this.waiting = waiting;
    this.limit = limit;
    this.root = root;
    this.progress = progress;
    this.encodings = new Encodings<>(model, volumes);
    this.places = new Semaphore(waiting + 1);
    this.executor =
        new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), this::workerThread);
  }

  private Thread workerThread(Runnable work) {
    Thread thread = new Thread(work, "medpruner-langchain4j");
    thread.setDaemon(true);
    worker = thread;
    return thread;
  }

  /** The model's name: its folder's. */
  String name() {
    return name;
  }

  /** Whether the caller is the thread that answers. */
  boolean isWorker() {
    return Thread.currentThread() == worker;
  }

  /**
   * A job that answers a request.
   *
   * @param pieces receives the text while it is generated, on the worker; null if nobody wants it
   * @throws dev.langchain4j.exception.LangChain4jException if the request is refused
   */
  Job job(ChatRequest request, @Nullable Consumer<String> pieces) {
    Wanted wanted = Wanted.of(request.parameters(), name);
    return new Job(name, Turns.of(request.messages(), root), wanted, pieces, progress);
  }

  /**
   * Queues a job.
   *
   * @throws RateLimitException if too many wait
   * @throws IllegalStateException if the model is closed
   */
  synchronized void submit(Job job) {
    if (closed) {
      throw new IllegalStateException("the model is closed");
    }
    if (!places.tryAcquire()) {
      throw new RateLimitException(
          "one request is being answered and " + waiting + " wait already; ask again later");
    }
    jobs.add(job);
    Runnable task = () -> work(job);
    CompletableFuture<ChatResponse> unused =
        job.result()
            .whenComplete(
                (response, error) -> {
                  if (job.claim()) { // cancelled, or out of time, while it waited
                    executor.remove(task);
                    leave(job);
                  }
                });
    if (limit != null) {
      limit.start(job);
    }
    executor.execute(task);
  }

  private void work(Job job) {
    if (!job.claim()) {
      return;
    }
    ChatResponse response;
    try {
      response = job.run(info, encodings);
    } catch (Throwable e) {
      // Who sees the outcome finds the place free.
      leave(job);
      job.result().completeExceptionally(e);
      return;
    }
    leave(job);
    job.result().complete(response);
  }

  private void leave(Job job) {
    if (jobs.remove(job)) {
      places.release();
    }
  }

  /**
   * Ends what waits and what runs, then frees everything. From the worker, which cannot wait for
   * itself, it returns at once and the rest follows.
   */
  @Override
  public void close() {
    synchronized (this) {
      if (!closed) {
        closed = true;
        executor.execute(
            () -> {
              encodings.close();
              model.close();
            });
        executor.shutdown();
      }
    }
    for (Job job : jobs) {
      if (job.stop(new IllegalStateException("the model was closed before it had answered"))) {
        leave(job);
      }
    }
    boolean interrupted = false;
    while (!isWorker()) {
      try {
        if (executor.awaitTermination(1, TimeUnit.DAYS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
