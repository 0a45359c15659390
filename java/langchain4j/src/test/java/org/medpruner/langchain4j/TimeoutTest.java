package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.chat.listener.ChatModelErrorContext;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.vlm.fixtures.WatchedModel;

/** Requests whose time is up, waiting or being answered, and the model after them. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class TimeoutTest {
  private static final Duration LIMIT = Duration.ofSeconds(5);

  private final List<Throwable> heard = new CopyOnWriteArrayList<>();
  private final List<CompletableFuture<Void>> timers = new CopyOnWriteArrayList<>();
  private WatchedModel watched;
  private MedPrunerChatModel model;

  /** What a handler or a subscriber was told, in order. */
  private static final class Told
      implements StreamingChatResponseHandler, Flow.Subscriber<ChatModelStreamingEvent> {
    final List<String> calls = new CopyOnWriteArrayList<>();
    final CompletableFuture<Throwable> error = new CompletableFuture<>();

    @Override
    public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
      calls.add("piece");
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
      calls.add("whole");
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(ChatModelStreamingEvent event) {
      calls.add("event");
    }

    @Override
    public void onComplete() {
      calls.add("complete");
    }

    @Override
    public void onError(Throwable failure) {
      calls.add("error");
      error.complete(failure);
    }
  }

  @BeforeEach
  void load() {
    watched = new WatchedModel(Demo.load());
    ChatModelListener listener =
        new ChatModelListener() {
          @Override
          public void onError(ChatModelErrorContext context) {
            heard.add(context.error());
          }
        };
    model =
        MedPrunerChatModel.builder()
            .model(watched)
            .timeout(LIMIT)
            .timers(this::timer)
            .listeners(List.of(listener))
            .build();
  }

  @AfterEach
  void close() {
    if (model != null) {
      watched.stopNowhere();
      model.close();
    }
  }

  private CompletableFuture<Void> timer(Duration limit) {
    assertEquals(LIMIT, limit);
    CompletableFuture<Void> timer = new CompletableFuture<>();
    timers.add(timer);
    return timer;
  }

  private static ChatRequest request() {
    return ChatRequest.builder().messages(Phantoms.about(5, Demo.QUESTION)).build();
  }

  private static void assertTimeout(Throwable error) {
    assertEquals(
        "no answer within PT5S, waiting for the model included;"
            + " ask for fewer tokens or set a longer timeout",
        assertInstanceOf(TimeoutException.class, error).getMessage());
  }

  /** The time of the request asked as this one is up. */
  private void pass(int request) {
    timers.get(request).complete(null);
  }

  @ParameterizedTest
  @ValueSource(strings = {"encode", "prefill", "decode"})
  void aCallEndsThoughTheModelIsStuck(String stage) throws Exception {
    WatchedModel.Gate gate = watched.stopAt(stage);
    CompletableFuture<Throwable> thrown =
        CompletableFuture.supplyAsync(
            () -> assertThrows(TimeoutException.class, () -> model.chat(request())));
    gate.await();
    pass(0);
    assertTimeout(thrown.get());
    assertEquals(1, heard.size());
    assertTimeout(heard.getFirst());
    // Nobody has opened the gate, and the model ends at its next step once somebody does.
    gate.open();
    watched.stopNowhere();
    assertEquals("demo", model.chat(request()).modelName());
    assertThrows(CancellationException.class, () -> timers.get(1).get());
    assertEquals(1, gate.updates());
    // A volume that was encoded stays; a conversation that was cut short does not.
    assertEquals(
        stage.equals("encode")
            ? "encode, encode, converse, ask"
            : "encode, converse, ask, close conversation, converse, ask",
        String.join(", ", watched.calls()));
  }

  @Test
  void waitingCounts() throws Exception {
    WatchedModel.Gate gate = watched.stopAt("decode");
    Told running = new Told();
    model.streaming().chat(request(), running);
    gate.await();
    Told handler = new Told();
    model.streaming().chat(request(), handler);
    Told subscriber = new Told();
    model.streaming().chat(request()).subscribe(subscriber);
    CompletableFuture<ChatResponse> future = model.chatAsync(request());
    for (int i = 0; i < 4; i++) {
      pass(i);
    }
    assertTimeout(running.error.get());
    assertTimeout(handler.error.get());
    assertTimeout(subscriber.error.get());
    assertTimeout(assertThrows(ExecutionException.class, future::get).getCause());
    gate.open();
    watched.stopNowhere();
    // One thread answers: once this is through, nothing of those before it can follow.
    assertEquals("demo", model.chat(request()).modelName());
    for (Told told : List.of(running, handler, subscriber)) {
      assertEquals(List.of("error"), told.calls);
    }
    assertEquals(1, gate.updates());
  }

  /** The time may be up while the handler has a piece; it hears of it after that, and no more. */
  @Test
  void aHandlerIsCalledOnceAtATime() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    Told told = new Told();
    StreamingChatResponseHandler slow =
        new StreamingChatResponseHandler() {
          @Override
          public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            told.calls.add("begin");
            begun.countDown();
            try {
              leave.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            told.calls.add("end");
          }

          @Override
          public void onCompleteResponse(ChatResponse response) {
            told.onCompleteResponse(response);
          }

          @Override
          public void onError(Throwable error) {
            told.onError(error);
          }
        };
    model.streaming().chat(request(), slow);
    begun.await();
    CompletableFuture<ChatResponse> later = model.chatAsync(request());
    pass(0);
    pass(1);
    assertTimeout(assertThrows(ExecutionException.class, later::get).getCause());
    assertEquals(List.of("begin"), told.calls);
    leave.countDown();
    assertTimeout(told.error.get());
    assertEquals("demo", model.chat(request()).modelName());
    assertEquals(List.of("begin", "end", "error"), told.calls);
  }

  /** Its continuations are not on the thread that answers, which they may wait for. */
  @Test
  void whoHearsOfItMayAskAgain() throws Exception {
    WatchedModel.Gate gate = watched.stopAt("decode");
    CompletableFuture<String> again =
        model
            .chatAsync(request())
            .handle(
                (response, error) -> {
                  assertTimeout(((CompletionException) error).getCause());
                  gate.open();
                  watched.stopNowhere();
                  return model.chat(request()).modelName();
                });
    gate.await();
    pass(0);
    assertEquals("demo", again.get());
  }

  /** Whether it comes to its gate or not: there it would stay for ever. */
  @Test
  void theClockIsTheProcesses() {
    WatchedModel stuck = new WatchedModel(Demo.load());
    WatchedModel.Gate gate = stuck.stopAt("encode");
    try (var hasty =
        MedPrunerChatModel.builder().model(stuck).timeout(Duration.ofMillis(50)).build()) {
      TimeoutException e = assertThrows(TimeoutException.class, () -> hasty.chat(request()));
      assertTrue(e.getMessage().startsWith("no answer within PT0.05S,"), e.getMessage());
      gate.open();
    }
  }

  @Test
  void oneThatNeverComesIsNone() {
    try (var patient =
        MedPrunerChatModel.builder()
            .modelPath(Demo.folder())
            .timeout(Duration.ofSeconds(Long.MAX_VALUE))
            .build()) {
      assertEquals("demo", patient.chat(request()).modelName());
    }
  }
}
