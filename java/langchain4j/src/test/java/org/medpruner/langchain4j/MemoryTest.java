package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.vlm.fixtures.WatchedModel;

/** What is encoded again, what is remembered, and when it is freed. */
class MemoryTest {
  @TempDir Path folder;

  private WatchedModel watched;
  private MedPrunerChatModel model;

  @BeforeEach
  void load() {
    watched = new WatchedModel(Demo.load());
    model = MedPrunerChatModel.builder().model(watched).maxVolumes(2).build();
  }

  @AfterEach
  void close() {
    if (model != null) {
      model.close();
    }
  }

  private static UserMessage about(Path file, String question) {
    return UserMessage.from(VolumeContent.of(file), TextContent.from(question));
  }

  @Test
  void aFurtherQuestionPrefillsItselfAlone() {
    UserMessage first = Phantoms.about(5, Demo.QUESTION);
    AiMessage answer = model.chat(first).aiMessage();
    assertEquals(List.of("encode", "converse", "ask"), watched.calls());
    model.chat(first, answer, UserMessage.from(Demo.FURTHER));
    assertEquals(List.of("ask"), watched.calls());
    // Another conversation about the same volume, one that was never held here.
    model.chat(first, AiMessage.from("spleen"), UserMessage.from(Demo.FURTHER));
    assertEquals(List.of("close conversation", "converse", "recall", "ask"), watched.calls());
  }

  @Test
  void aVolumeIsKnownByItsContent() throws IOException {
    Path file = Files.copy(Demo.phantom(5), folder.resolve("a.nii.gz"));
    Path same = Files.copy(Demo.phantom(5), folder.resolve("b.nii.gz"));
    model.chat(about(file, Demo.QUESTION));
    assertEquals(List.of("encode", "converse", "ask"), watched.calls());
    String audit =
        ((MedPrunerChatResponseMetadata) model.chat(about(same, Demo.QUESTION)).metadata()).audit();
    assertEquals(List.of("close conversation", "converse", "ask"), watched.calls());
    assertEquals(true, audit.contains("b.nii.gz"), audit);
    // Another volume under the old name is another volume.
    Files.copy(Demo.phantom(1), file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    model.chat(about(file, Demo.QUESTION));
    assertEquals(List.of("close conversation", "encode", "converse", "ask"), watched.calls());
    // Another policy prunes anew.
    model.chat(
        ChatRequest.builder()
            .messages(about(file, Demo.QUESTION))
            .parameters(MedPrunerChatRequestParameters.builder().preset("nucleus").build())
            .build());
    assertEquals(
        List.of("close conversation", "close volume", "encode", "converse", "ask"),
        watched.calls());
  }

  @Test
  void closingFreesAllThatIsRemembered() {
    model.chat(Phantoms.about(1, Demo.FURTHER));
    model.chat(Phantoms.about(2, Demo.FURTHER));
    watched.calls();
    model.close();
    assertEquals(
        List.of("close conversation", "close volume", "close volume", "close model"),
        watched.calls());
    model.close();
    assertEquals(List.of(), watched.calls());
    assertThrows(IllegalStateException.class, () -> model.chat(Phantoms.about(1, Demo.FURTHER)));
  }
}
