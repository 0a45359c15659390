package org.medpruner.langchain4j;

import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * How long a request may take.
 *
 * @param timeout of every request
 * @param timers gives what completes once a time is over; it is cancelled when nobody wants it any
 *     more
 */
record TimeLimit(Duration timeout, Function<Duration, CompletableFuture<Void>> timers) {
  /** A timer of the process's clock. */
  static CompletableFuture<Void> timer(Duration time) {
    return new CompletableFuture<Void>()
        .completeOnTimeout(null, TimeUnit.NANOSECONDS.convert(time), TimeUnit.NANOSECONDS);
  }

  /**
   * From now on the time of a job runs. At its end the job ends as its caller's cancelling ends it,
   * but with an exception, on a thread of its own.
   */
  void start(Job job) {
    CompletableFuture<Void> timer = timers.apply(timeout);
    // Handlers and continuations hear of it there, and may take their time: the timer's thread is
    // one for the whole process.
    CompletableFuture<Void> unused =
        timer.thenRunAsync(
            () -> job.result().completeExceptionally(exception()), Thread::startVirtualThread);
    // A timer that is no longer wanted would hold the request, and the bytes of its volume.
    CompletableFuture<ChatResponse> unusedToo =
        job.result().whenComplete((response, error) -> timer.cancel(false));
  }

  private TimeoutException exception() {
    return new TimeoutException(
        "no answer within "
            + timeout
            + ", waiting for the model included; ask for fewer tokens or set a longer timeout");
  }
}
