package org.medpruner.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A cold publisher: every subscriber asks the request anew. The model does not wait for demand;
 * pieces that nobody has asked for yet are kept, an answer's length at most.
 */
final class AnswerPublisher implements Flow.Publisher<ChatModelStreamingEvent> {
  private final Engine engine;
  private final ChatRequest request;

  AnswerPublisher(Engine engine, ChatRequest request) {
    this.engine = engine;
    this.request = request;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super ChatModelStreamingEvent> subscriber) {
    new Answering(subscriber).begin();
  }

  private final class Answering implements Flow.Subscription {
    private final Flow.Subscriber<? super ChatModelStreamingEvent> subscriber;
    private final ConcurrentLinkedQueue<ChatModelStreamingEvent> events =
        new ConcurrentLinkedQueue<>();
    private final AtomicLong demand = new AtomicLong();

    /** Calls of {@link #deliver} to make up for; whoever makes it 1 delivers for all. */
    private final AtomicInteger calls = new AtomicInteger();

    private volatile CompletableFuture<ChatResponse> result = new CompletableFuture<>();
    private volatile @Nullable Throwable failure;
    private volatile boolean finished;
    private volatile boolean over;

    Answering(Flow.Subscriber<? super ChatModelStreamingEvent> subscriber) {
      this.subscriber = subscriber;
    }

    void begin() {
      subscriber.onSubscribe(this);
      if (over) {
        return;
      }
      try {
        Job job = engine.job(request, this::piece);
        result = job.result();
        CompletableFuture<ChatResponse> unused = result.whenComplete(this::end);
        engine.submit(job);
      } catch (RuntimeException e) {
        end(null, e);
      }
      if (over) {
        result.cancel(false); // cancelled before there was a result to cancel
      }
    }

    private void piece(String text) {
      events.add(new PartialResponse(text));
      deliver();
    }

    private void end(@Nullable ChatResponse response, @Nullable Throwable error) {
      synchronized (this) {
        if (finished) {
          return;
        }
        if (response != null) {
          events.add(new CompleteResponse(response));
        }
        failure = error;
        finished = true;
      }
      deliver();
    }

    @Override
    public void request(long count) {
      if (count <= 0) {
        end(null, new IllegalArgumentException("request(" + count + "), but it must be > 0"));
        result.cancel(false);
      } else {
        demand.accumulateAndGet(count, (a, b) -> a + b < 0 ? Long.MAX_VALUE : a + b);
        deliver();
      }
    }

    @Override
    public void cancel() {
      over = true;
      result.cancel(false);
    }

    /** Hands on what there is and was asked for, by one thread at a time. */
    private void deliver() {
      if (calls.getAndIncrement() > 0) {
        return;
      }
      int made = 1;
      do {
        boolean more = true;
        while (more && !over) {
          more = step();
        }
        made = calls.addAndGet(-made);
      } while (made > 0);
    }

    private boolean step() {
      // Looked at first: what is there then was there before the end.
      boolean last = finished;
      try {
        Throwable error = failure;
        // An error does not wait for pieces that nobody has asked for.
        if (last && (error != null || events.isEmpty())) {
          over = true;
          if (error == null) {
            subscriber.onComplete();
          } else {
            subscriber.onError(error);
          }
          return false;
        }
        if (demand.get() == 0) {
          return false;
        }
        ChatModelStreamingEvent event = events.poll();
        if (event == null) {
          return false;
        }
        demand.updateAndGet(d -> d == Long.MAX_VALUE ? d : d - 1);
        subscriber.onNext(event);
        return true;
      } catch (RuntimeException e) {
        cancel(); // a subscriber must not throw; it hears no more
        return false;
      }
    }
  }
}
