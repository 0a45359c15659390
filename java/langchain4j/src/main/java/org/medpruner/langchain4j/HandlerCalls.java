package org.medpruner.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Calls a handler as LangChain4j's models do: one call at a time, what it throws goes to its own
 * {@code onError} and the stream goes on, and once it was cancelled or has ended there are no calls
 * any more. Pieces come from the thread that answers, an end may come from another one.
 */
final class HandlerCalls implements StreamingHandle {
  private static final System.Logger LOG = System.getLogger(HandlerCalls.class.getName());

  private final StreamingChatResponseHandler handler;
  private final ConcurrentLinkedQueue<Runnable> calls = new ConcurrentLinkedQueue<>();

  /** Calls that are not over; whoever makes it 1 makes them all, and nobody waits for a handler. */
  private final AtomicInteger pending = new AtomicInteger();

  private volatile CompletableFuture<ChatResponse> result = new CompletableFuture<>();
  private volatile boolean cancelled;

  /** Seen by the calls alone. */
  private boolean ended;

  HandlerCalls(StreamingChatResponseHandler handler) {
    this.handler = handler;
  }

  /** Tells of a result once it is there; before there can be pieces. */
  void follow(CompletableFuture<ChatResponse> future) {
    result = future;
    CompletableFuture<ChatResponse> unused =
        future.whenComplete(
            (response, error) -> {
              if (error == null) {
                call(
                    () -> {
                      ended = true;
                      guarded(() -> handler.onCompleteResponse(response));
                    });
              } else if (!(error instanceof CancellationException)) {
                failed(error);
              }
            });
  }

  /** A piece of the answer. */
  void piece(String text) {
    call(
        () ->
            guarded(
                () ->
                    handler.onPartialResponse(
                        new PartialResponse(text), new PartialResponseContext(this))));
  }

  /** There is no answer. */
  void failed(Throwable error) {
    call(
        () -> {
          ended = true;
          tell(error);
        });
  }

  /** Makes a call, unless one is being made: then who makes that one makes this one after it. */
  private void call(Runnable call) {
    calls.add(call);
    if (pending.getAndIncrement() > 0) {
      return;
    }
    Error thrown = null;
    do {
      Runnable next = calls.remove();
      try {
        if (!cancelled && !ended) {
          next.run();
        }
      } catch (Error e) {
        thrown = e;
      }
    } while (pending.decrementAndGet() > 0);
    if (thrown != null) {
      throw thrown; // which ends the request
    }
  }

  private void guarded(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      tell(e);
    }
  }

  private void tell(Throwable error) {
    try {
      handler.onError(error);
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.WARNING, "onError() threw, which is ignored", e);
    }
  }

  @Override
  public void cancel() {
    cancelled = true;
    result.cancel(false);
  }

  @Override
  public boolean isCancelled() {
    return cancelled;
  }
}
