package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.memory.ChatMemory;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.TokenStream;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.vlm.fixtures.WatchedModel;

/** The way most applications use a chat model: an interface, and a memory of what was said. */
class AiServicesTest {
  interface Reader {
    String about(
        @dev.langchain4j.service.UserMessage String question,
        @dev.langchain4j.service.UserMessage ImageContent volume);

    String further(@dev.langchain4j.service.UserMessage String question);
  }

  interface StreamingReader {
    TokenStream about(
        @dev.langchain4j.service.UserMessage String question,
        @dev.langchain4j.service.UserMessage ImageContent volume);
  }

  private static ChatMessage last(ChatMemory memory) {
    return memory.messages().getLast();
  }

  /** Asks through a service; what the model itself says to the messages that then are there. */
  private static AiMessage answerTo(
      MedPrunerChatModel model, ChatMemory memory, Supplier<String> question) {
    String answer = question.get();
    assertEquals(AiMessage.from(answer), last(memory));
    List<ChatMessage> messages = memory.messages();
    return model.chat(messages.subList(0, messages.size() - 1)).aiMessage();
  }

  @Test
  void aServiceRemembersTheVolume() throws Exception {
    WatchedModel watched = new WatchedModel(Demo.load());
    try (MedPrunerChatModel model = MedPrunerChatModel.builder().model(watched).build()) {
      ChatMemory memory = MessageWindowChatMemory.withMaxMessages(4);
      Reader reader = AiServices.builder(Reader.class).chatModel(model).chatMemory(memory).build();
      ImageContent volume = VolumeContent.of(Demo.phantom(5));
      String organ = reader.about(Demo.QUESTION, volume);
      assertEquals(model.chat(Phantoms.about(5, Demo.QUESTION)).aiMessage().text(), organ);
      watched.calls();
      assertEquals(answerTo(model, memory, () -> reader.further(Demo.FURTHER)), last(memory));
      // Once the window has moved past the volume, it has to be repeated.
      memory.clear();
      memory.add(UserMessage.from(Demo.QUESTION));
      memory.add(AiMessage.from(organ));
      assertThrows(InvalidRequestException.class, () -> reader.further(Demo.FURTHER));
      memory.clear();
      assertEquals(organ, reader.about(Demo.QUESTION, volume));
      assertEquals(false, watched.calls().contains("encode"));

      StreamingReader streaming =
          AiServices.builder(StreamingReader.class).streamingChatModel(model.streaming()).build();
      StringBuilder pieces = new StringBuilder();
      CompletableFuture<String> whole = new CompletableFuture<>();
      streaming
          .about(Demo.QUESTION, volume)
          .onPartialResponse(pieces::append)
          .onCompleteResponse(response -> whole.complete(response.aiMessage().text()))
          .onError(whole::completeExceptionally)
          .start();
      assertEquals(List.of(organ, organ), List.of(whole.get(), pieces.toString()));
    }
  }
}
