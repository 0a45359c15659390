package org.medpruner.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/**
 * Calls a handler as LangChain4j's models do: what it throws goes to its own {@code onError} and
 * the stream goes on; once it was cancelled there are no calls any more.
 */
final class HandlerCalls implements StreamingHandle {
  private static final System.Logger LOG = System.getLogger(HandlerCalls.class.getName());

  private final StreamingChatResponseHandler handler;
  private volatile CompletableFuture<ChatResponse> result = new CompletableFuture<>();
  private volatile boolean cancelled;

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
                guarded(() -> handler.onCompleteResponse(response));
              } else if (!(error instanceof CancellationException)) {
                failed(error);
              }
            });
  }

  /** A piece of the answer. */
  void piece(String text) {
    if (!cancelled) {
      guarded(
          () ->
              handler.onPartialResponse(
                  new PartialResponse(text), new PartialResponseContext(this)));
    }
  }

  /** There is no answer. */
  void failed(Throwable error) {
    try {
      handler.onError(error);
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.WARNING, "onError() threw, which is ignored", e);
    }
  }

  private void guarded(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      failed(e);
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
