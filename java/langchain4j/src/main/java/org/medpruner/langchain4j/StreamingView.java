package org.medpruner.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.List;
import java.util.concurrent.Flow;

/** A chat model that streams, on the engine of one that does not. */
final class StreamingView implements StreamingChatModel {
  private final Engine engine;
  private final ChatRequestParameters defaults;
  private final List<ChatModelListener> listeners;

  StreamingView(Engine engine, ChatRequestParameters defaults, List<ChatModelListener> listeners) {
    this.engine = engine;
    this.defaults = defaults;
    this.listeners = listeners;
  }

  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    HandlerCalls calls = new HandlerCalls(handler);
    try {
      Job job = engine.job(request, calls::piece);
      calls.follow(job.result());
      engine.submit(job);
    } catch (RuntimeException e) {
      calls.failed(e);
    }
  }

  @Override
  public Flow.Publisher<ChatModelStreamingEvent> doChat(ChatRequest request) {
    return new AnswerPublisher(engine, request);
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return defaults;
  }

  @Override
  public List<ChatModelListener> listeners() {
    return listeners;
  }
}
