package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.vlm.fixtures.WatchedModel;

/** What happens while the model works: waiting, leaving, closing. */
class QueueTest {
  private WatchedModel watched;
  private MedPrunerChatModel model;

  @BeforeEach
  void load() {
    watched = new WatchedModel(Demo.load());
    model = MedPrunerChatModel.builder().model(watched).maxWaiting(1).build();
  }

  @AfterEach
  void close() {
    if (model != null) {
      watched.stopNowhere();
      model.close();
    }
  }

  private CompletableFuture<ChatResponse> ask(String question) {
    return model.chatAsync(ChatRequest.builder().messages(Phantoms.about(5, question)).build());
  }

  private static Throwable cause(CompletableFuture<?> future) {
    return assertThrows(ExecutionException.class, future::get).getCause();
  }

  @Test
  void aFullQueueTurnsAway() throws Exception {
    WatchedModel.Gate gate = watched.stopAt("encode");
    CompletableFuture<ChatResponse> first = ask(Demo.QUESTION);
    gate.await();
    CompletableFuture<ChatResponse> second = ask(Demo.FURTHER);
    assertInstanceOf(RateLimitException.class, cause(ask("a?")));
    assertThrows(RateLimitException.class, () -> model.chat(Phantoms.about(5, "a?")));
    // One that leaves makes room.
    assertTrue(second.cancel(false));
    CompletableFuture<ChatResponse> third = ask(Demo.FURTHER);
    gate.open();
    assertEquals("demo", first.get().modelName());
    assertEquals("demo", third.get().modelName());
    assertEquals(
        List.of("encode", "converse", "ask", "close conversation", "converse", "ask"),
        watched.calls());
  }

  @ParameterizedTest
  @ValueSource(strings = {"encode", "prefill", "decode"})
  void workStopsWhenTheRequestIsCancelled(String stage) throws Exception {
    WatchedModel.Gate gate = watched.stopAt(stage);
    CompletableFuture<ChatResponse> first = ask(Demo.QUESTION);
    gate.await();
    assertTrue(first.cancel(false));
    gate.open();
    watched.stopNowhere();
    assertThrows(CancellationException.class, first::get);
    String before = String.join(", ", watched.calls());
    assertEquals("demo", ask(Demo.QUESTION).get().modelName());
    String after = String.join(", ", watched.calls());
    // A volume that was encoded stays; a conversation that was cut short does not.
    assertEquals(
        stage.equals("encode")
            ? "encode, encode, converse, ask"
            : "encode, converse, ask, close conversation, converse, ask",
        before + ", " + after);
  }

  @Test
  void anInterruptEndsTheRequestOfTheThread() throws Exception {
    WatchedModel.Gate gate = watched.stopAt("encode");
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    Thread asking =
        Thread.startVirtualThread(
            () -> {
              try {
                model.chat(Phantoms.about(5, Demo.QUESTION));
                thrown.complete(new AssertionError("answered"));
              } catch (LangChain4jException e) {
                thrown.complete(
                    Thread.currentThread().isInterrupted() ? e : new AssertionError("swallowed"));
              }
            });
    gate.await();
    asking.interrupt();
    assertInstanceOf(InterruptedException.class, thrown.get().getCause());
    gate.open();
    watched.stopNowhere();
    assertEquals("demo", ask(Demo.QUESTION).get().modelName());
  }

  @Test
  void closingEndsWhatWaitsAndWhatRuns() throws Exception {
    WatchedModel.Gate gate = watched.stopAt("decode");
    CompletableFuture<ChatResponse> running = ask(Demo.QUESTION);
    gate.await();
    CompletableFuture<ChatResponse> waiting = ask(Demo.FURTHER);
    CompletableFuture<Void> closing = CompletableFuture.runAsync(model::close);
    assertInstanceOf(IllegalStateException.class, cause(waiting));
    assertTrue(!closing.isDone() && !running.isDone(), "the model is still at work");
    gate.open();
    assertInstanceOf(IllegalStateException.class, cause(running));
    closing.get();
    assertEquals(
        List.of("encode", "converse", "ask", "close conversation", "close volume", "close model"),
        watched.calls());
    assertInstanceOf(IllegalStateException.class, cause(ask(Demo.QUESTION)));
  }

  @Test
  void theAnsweringThreadCanClose() throws Exception {
    CompletableFuture<Void> closed = ask(Demo.QUESTION).thenAccept(r -> model.close());
    closed.get();
    model.close();
    assertEquals("close model", watched.calls().getLast());
  }
}
