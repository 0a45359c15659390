package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelErrorContext;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelRequestContext;
import dev.langchain4j.model.chat.listener.ChatModelResponseContext;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.medpruner.vlm.fixtures.Demo;

/** Streams: their pieces, their end, and handlers that throw, cancel or ask on. */
class StreamingTest {
  private static final List<String> heard = new CopyOnWriteArrayList<>();
  private static MedPrunerChatModel model;
  private static StreamingChatModel streaming;

  private static final class Listener implements ChatModelListener {
    @Override
    public void onRequest(ChatModelRequestContext context) {
      heard.add("request " + context.chatRequest().modelName());
    }

    @Override
    public void onResponse(ChatModelResponseContext context) {
      heard.add("response");
    }

    @Override
    public void onError(ChatModelErrorContext context) {
      heard.add("error");
    }
  }

  /** Collects a stream. */
  private static class Collector implements StreamingChatResponseHandler {
    final List<String> pieces = new ArrayList<>();
    final List<Throwable> errors = new CopyOnWriteArrayList<>();
    final CompletableFuture<ChatResponse> whole = new CompletableFuture<>();

    @Override
    public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
      pieces.add(piece.text());
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
      whole.complete(response);
    }

    @Override
    public void onError(Throwable error) {
      errors.add(error);
    }
  }

  @BeforeAll
  static void load() {
    model =
        MedPrunerChatModel.builder()
            .modelPath(Demo.folder())
            .listeners(List.of(new Listener()))
            .build();
    streaming = model.streaming();
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
    }
  }

  private static ChatRequest request() {
    return ChatRequest.builder().messages(Phantoms.about(5, Demo.QUESTION)).build();
  }

  @Test
  void piecesAreTheAnswer() throws Exception {
    heard.clear();
    ChatResponse expected = model.chat(request());
    assertEquals(List.of("request demo", "response"), heard);
    Collector collector = new Collector();
    streaming.chat(request(), collector);
    ChatResponse response = collector.whole.get();
    assertEquals(expected.aiMessage(), response.aiMessage());
    assertEquals(expected.tokenUsage(), response.tokenUsage());
    assertEquals(expected.aiMessage().text(), String.join("", collector.pieces));
    assertInstanceOf(MedPrunerChatResponseMetadata.class, response.metadata());
    assertEquals(List.of("request demo", "response", "request demo", "response"), heard);
  }

  @Test
  void aRefusedRequestIsAnErrorOfTheStream() {
    Collector collector = new Collector();
    streaming.chat("What is this?", collector);
    assertInstanceOf(InvalidRequestException.class, collector.errors.getFirst());
  }

  @Test
  void whatAHandlerThrowsGoesToItself() throws Exception {
    Collector collector =
        new Collector() {
          @Override
          public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            super.onPartialResponse(piece, context);
            throw new IllegalArgumentException("a defect of the handler");
          }
        };
    streaming.chat(request(), collector);
    String text = collector.whole.get().aiMessage().text();
    assertEquals(text, String.join("", collector.pieces));
    assertEquals(collector.pieces.size(), collector.errors.size());
    assertEquals("a defect of the handler", collector.errors.getFirst().getMessage());
  }

  @Test
  void anErrorOfAHandlerEndsTheRequest() {
    Collector collector =
        new Collector() {
          @Override
          public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            super.onPartialResponse(piece, context);
            throw new AssertionError("a defect of the handler");
          }
        };
    streaming.chat(request(), collector);
    // One thread answers: once this one is through, nothing of the other can follow.
    assertEquals("demo", model.chat(request()).modelName());
    assertEquals(1, collector.pieces.size());
    assertEquals(1, collector.errors.size());
    assertEquals("a defect of the handler", collector.errors.getFirst().getMessage());
  }

  @Test
  void aCancelledStreamIsSilent() throws Exception {
    CompletableFuture<Boolean> told = new CompletableFuture<>();
    Collector collector =
        new Collector() {
          @Override
          public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            super.onPartialResponse(piece, context);
            context.streamingHandle().cancel();
            told.complete(context.streamingHandle().isCancelled());
          }
        };
    streaming.chat(request(), collector);
    assertTrue(told.get());
    // One thread answers: once this one is through, nothing of the other can follow.
    assertEquals("demo", model.chat(request()).modelName());
    assertEquals(1, collector.pieces.size());
    assertEquals(List.of(), collector.errors);
    assertTrue(!collector.whole.isDone());
  }

  @Test
  void aHandlerCannotWaitForTheThreadItIsOn() throws Exception {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    CompletableFuture<ChatResponse> next = new CompletableFuture<>();
    streaming.chat(
        request(),
        new Collector() {
          @Override
          public void onCompleteResponse(ChatResponse response) {
            try {
              model.chat(request());
            } catch (IllegalStateException e) {
              thrown.complete(e);
            }
            CompletableFuture<Void> unused = model.chatAsync(request()).thenAccept(next::complete);
          }
        });
    assertTrue(thrown.get().getMessage().startsWith("chat() would wait"), thrown.get().toString());
    assertEquals("demo", next.get().modelName());
  }

  @Test
  void futuresEndAsTheCallDoes() throws Exception {
    assertEquals(model.chat(request()).aiMessage(), model.chatAsync(request()).get().aiMessage());
    CompletableFuture<String> refused = model.chatAsync("What is this?");
    try {
      refused.get();
      throw new AssertionError("answered without a volume");
    } catch (ExecutionException e) {
      assertInstanceOf(InvalidRequestException.class, e.getCause());
    }
  }
}
