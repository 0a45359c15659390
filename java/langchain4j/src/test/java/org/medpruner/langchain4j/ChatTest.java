package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageDeserializer;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.volume.VolumeReading;

/** Answers through LangChain4j are those of the same checkpoint without it. */
class ChatTest {
  private static MedPrunerChatModel model;
  private static VisionLanguageModel plain;

  @BeforeAll
  static void load() {
    model = MedPrunerChatModel.builder().modelPath(Demo.folder()).build();
    plain = Demo.load();
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
      plain.close();
    }
  }

  private static List<Answer> withoutLangChain4j(PruningPolicy policy, String... questions) {
    List<Answer> answers = new ArrayList<>();
    try (EncodedVolume volume = plain.encode(Demo.images(Demo.phantom(5)), policy, Progress.NONE);
        Conversation conversation = plain.converse(volume, PromptLayout.GOOGLE)) {
      for (String question : questions) {
        answers.add(conversation.ask(question, GenerationOptions.DEFAULT, Progress.NONE));
      }
    }
    return answers;
  }

  private static ChatResponse ask(ChatRequestParameters parameters, ChatMessage... messages) {
    return model.chat(ChatRequest.builder().messages(messages).parameters(parameters).build());
  }

  private static MedPrunerChatRequestParameters.Builder own() {
    return MedPrunerChatRequestParameters.builder();
  }

  @Test
  void answersAndSaysWhatItCost() throws IOException {
    Answer expected = withoutLangChain4j(PruningPolicy.PAPER, Demo.QUESTION).getFirst();
    ChatResponse response = model.chat(Phantoms.about(5, Demo.QUESTION));
    assertEquals(expected.text(), response.aiMessage().text());
    assertEquals(FinishReason.STOP, response.finishReason());
    assertEquals("demo", response.modelName());
    assertEquals(
        new TokenUsage(expected.promptTokens(), expected.tokenIds().size()), response.tokenUsage());
    MedPrunerChatResponseMetadata metadata =
        assertInstanceOf(MedPrunerChatResponseMetadata.class, response.metadata());
    assertEquals(expected.unprunedPromptTokens(), metadata.unprunedInputTokenCount());
    assertEquals(expected.report().rates(), metadata.report().rates());
    assertTrue(metadata.report().timings().containsKey("read"));
    assertEquals(metadata, metadata.toBuilder().build());
    assertNotEquals(metadata, metadata.toBuilder().id("other").build());
    String schema = Files.readString(Demo.root().resolve("docs/audit.schema.json"));
    assertEquals(
        List.of(),
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(schema)
            .validate(metadata.audit(), InputFormat.JSON));
    assertTrue(metadata.audit().contains("phantom_05.nii.gz"), metadata.audit());
  }

  @Test
  void aConversationIsThatOfTheModel() {
    List<Answer> expected = withoutLangChain4j(PruningPolicy.PAPER, Demo.QUESTION, Demo.FURTHER);
    UserMessage first = Phantoms.about(5, Demo.QUESTION);
    AiMessage said = model.chat(first).aiMessage();
    ChatResponse second = model.chat(first, said, UserMessage.from(Demo.FURTHER));
    assertEquals(expected.get(1).text(), second.aiMessage().text());
    assertEquals(expected.get(1).promptTokens(), second.tokenUsage().inputTokenCount());
    // Messages that were stored and came back, the volume and its question in two of them.
    List<ChatMessage> stored =
        ChatMessageDeserializer.messagesFromJson(
            ChatMessageSerializer.messagesToJson(
                List.of(
                    UserMessage.from(VolumeContent.of(Demo.phantom(5))),
                    UserMessage.from(Demo.QUESTION),
                    said,
                    UserMessage.from(Demo.FURTHER))));
    assertEquals(second.aiMessage(), model.chat(stored).aiMessage());
  }

  @Test
  void parametersOfTheRequestOverrideTheModels() {
    Answer off = withoutLangChain4j(PruningPolicy.OFF, Demo.QUESTION).getFirst();
    ChatResponse response = ask(own().preset("off").build(), Phantoms.about(5, Demo.QUESTION));
    assertEquals(off.text(), response.aiMessage().text());
    assertEquals(off.promptTokens(), response.tokenUsage().inputTokenCount());
    ChatResponse tight =
        ask(
            own().policy(PruningPolicy.PAPER.withGamma(0.2).withTau(0.5)).build(),
            Phantoms.about(5, Demo.QUESTION));
    PruningPolicy used = ((MedPrunerChatResponseMetadata) tight.metadata()).report().policy();
    assertEquals(0.2, used.gamma());
    assertEquals(0.5, used.tau());
    assertTrue(
        tight.tokenUsage().inputTokenCount() < response.tokenUsage().inputTokenCount(),
        tight.toString());
    ChatResponse cut =
        ask(
            ChatRequestParameters.builder().maxOutputTokens(1).build(),
            Phantoms.about(5, Demo.QUESTION));
    assertEquals(FinishReason.LENGTH, cut.finishReason());
    assertEquals(1, cut.tokenUsage().outputTokenCount());
    ChatResponse few =
        ask(
            own().reading(VolumeReading.DEFAULT.withMaxSlices(6)).build(),
            Phantoms.about(5, Demo.QUESTION));
    assertEquals(6, ((MedPrunerChatResponseMetadata) few.metadata()).report().slices().size());
  }

  @Test
  void drawsAreThoseOfTheSeed() {
    // So hot that tokens are nearly equally likely.
    MedPrunerChatRequestParameters.Builder hot =
        own().temperature(100.0).topK(50).maxOutputTokens(12);
    String first = ask(hot.seed(1L).build(), Phantoms.about(5, Demo.QUESTION)).aiMessage().text();
    String again = ask(hot.seed(1L).build(), Phantoms.about(5, Demo.QUESTION)).aiMessage().text();
    String other = ask(hot.seed(2L).build(), Phantoms.about(5, Demo.QUESTION)).aiMessage().text();
    assertEquals(first, again);
    assertNotEquals(first, other);
  }

  @Test
  void aStopSequenceIsCutOff() {
    String whole = model.chat(Phantoms.about(5, Demo.QUESTION)).aiMessage().text();
    String end = whole.substring(whole.length() - 2);
    ChatResponse response = ask(own().stopSequences(end).build(), Phantoms.about(5, Demo.QUESTION));
    assertEquals(whole.substring(0, whole.indexOf(end)).strip(), response.aiMessage().text());
    assertEquals(FinishReason.STOP, response.finishReason());
  }

  @Test
  void theSystemSpeaksBeforeTheFirstQuestion() {
    Answer expected =
        withoutLangChain4j(PruningPolicy.PAPER, "Be brief.\n\n" + Demo.QUESTION).getFirst();
    ChatResponse response =
        model.chat(SystemMessage.from("Be brief."), Phantoms.about(5, Demo.QUESTION));
    assertEquals(expected.text(), response.aiMessage().text());
    assertEquals(expected.promptTokens(), response.tokenUsage().inputTokenCount());
  }

  @Test
  void bytesAreReadAsFilesAre() throws IOException {
    byte[] file = Files.readAllBytes(Demo.phantom(5));
    ChatResponse response =
        model.chat(
            UserMessage.from(
                VolumeContent.of(file, VolumeContent.NIFTI), TextContent.from(Demo.QUESTION)));
    assertEquals(
        withoutLangChain4j(PruningPolicy.PAPER, Demo.QUESTION).getFirst().text(),
        response.aiMessage().text());
    String audit = ((MedPrunerChatResponseMetadata) response.metadata()).audit();
    assertTrue(audit.contains("\"path\" : \"bytes-"), audit);
  }
}
