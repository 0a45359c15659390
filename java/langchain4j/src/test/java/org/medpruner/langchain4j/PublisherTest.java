package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.CompleteResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.medpruner.vlm.fixtures.Demo;

/** Answers as streams of events: demand, end, cancellation. */
class PublisherTest {
  private static MedPrunerChatModel model;

  @BeforeAll
  static void load() {
    model = MedPrunerChatModel.builder().modelPath(Demo.folder()).build();
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
    }
  }

  /** Collects events. */
  private static final class Collector implements Flow.Subscriber<ChatModelStreamingEvent> {
    final List<ChatModelStreamingEvent> events = new CopyOnWriteArrayList<>();
    final CompletableFuture<Boolean> end = new CompletableFuture<>();
    private final Consumer<Flow.Subscription> begin;
    private final Consumer<Flow.Subscription> next;
    private Flow.@Nullable Subscription subscription;

    Collector(Consumer<Flow.Subscription> begin, Consumer<Flow.Subscription> next) {
      this.begin = begin;
      this.next = next;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      begin.accept(given);
    }

    @Override
    public void onNext(ChatModelStreamingEvent event) {
      events.add(event);
      next.accept(subscription);
    }

    @Override
    public void onError(Throwable error) {
      end.completeExceptionally(error);
    }

    @Override
    public void onComplete() {
      end.complete(true);
    }

    String text() {
      StringBuilder text = new StringBuilder();
      for (ChatModelStreamingEvent event : events) {
        if (event instanceof PartialResponse piece) {
          text.append(piece.text());
        }
      }
      return text.toString();
    }

    Throwable error() throws InterruptedException {
      try {
        end.get();
        throw new AssertionError("no error");
      } catch (ExecutionException e) {
        return e.getCause();
      }
    }
  }

  private static Collector subscribed(
      Consumer<Flow.Subscription> begin, Consumer<Flow.Subscription> next) {
    Collector collector = new Collector(begin, next);
    model
        .streaming()
        .chat(ChatRequest.builder().messages(Phantoms.about(5, Demo.QUESTION)).build())
        .subscribe(collector);
    return collector;
  }

  /** One thread answers: once this is through, nothing of requests before it can follow. */
  private static String answer() {
    return model.chat(Phantoms.about(5, Demo.QUESTION)).aiMessage().text();
  }

  @Test
  void piecesThenTheWholeThenTheEnd() throws Exception {
    Collector collector = subscribed(s -> s.request(Long.MAX_VALUE), s -> {});
    assertTrue(collector.end.get());
    assertEquals(answer(), collector.text());
    CompleteResponse last = assertInstanceOf(CompleteResponse.class, collector.events.getLast());
    assertEquals(answer(), last.chatResponse().aiMessage().text());
    assertInstanceOf(MedPrunerChatResponseMetadata.class, last.chatResponse().metadata());
  }

  @Test
  void noMoreThanWasAskedFor() throws Exception {
    Collector collector = subscribed(s -> s.request(1), s -> {});
    String text = answer();
    assertEquals(1, collector.events.size());
    assertFalse(collector.end.isDone());
    while (!collector.end.isDone()) {
      collector.subscription.request(1);
    }
    assertTrue(collector.end.get());
    assertEquals(text, collector.text());
    Collector oneByOne = subscribed(s -> s.request(1), s -> s.request(1));
    assertTrue(oneByOne.end.get());
    assertEquals(collector.events.size(), oneByOne.events.size());
  }

  @Test
  void whoCancelsHearsNoMore() {
    Collector first = subscribed(s -> s.request(9), Flow.Subscription::cancel);
    Collector never = subscribed(Flow.Subscription::cancel, s -> {});
    Collector throwing =
        subscribed(
            s -> s.request(9),
            s -> {
              throw new IllegalStateException("a defect of the subscriber");
            });
    assertTrue(!answer().isEmpty());
    assertEquals(1, first.events.size());
    assertEquals(0, never.events.size());
    assertEquals(1, throwing.events.size());
    for (Collector collector : List.of(first, never, throwing)) {
      assertFalse(collector.end.isDone());
    }
  }

  @Test
  void refusalsAreErrorsAfterTheSubscription() throws Exception {
    Collector refused = new Collector(s -> {}, s -> {});
    model
        .streaming()
        .chat(ChatRequest.builder().messages(UserMessage.from("a?")).build())
        .subscribe(refused);
    assertInstanceOf(InvalidRequestException.class, refused.error());
    Collector wrong = subscribed(s -> s.request(0), s -> {});
    assertInstanceOf(IllegalArgumentException.class, wrong.error());
    assertEquals(List.of(), wrong.events);
    Collector late = subscribed(s -> s.request(1), s -> s.request(-1));
    assertInstanceOf(IllegalArgumentException.class, late.error());
    assertEquals(1, late.events.size());
  }
}
