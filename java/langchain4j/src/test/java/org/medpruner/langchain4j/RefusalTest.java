package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.AudioContent;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.CustomMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.PdfFileContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.message.VideoContent;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ToolChoice;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.medpruner.InputException;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.volume.VolumeReading;

/** What cannot be answered is refused in one line of one type. */
class RefusalTest {
  private static MedPrunerChatModel model;

  @TempDir Path folder;

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

  private static void assertRefused(
      Class<? extends LangChain4jException> type, String start, ChatRequest request) {
    LangChain4jException e = assertThrows(type, () -> model.chat(request));
    assertTrue(e.getMessage().startsWith(start), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  static Stream<Arguments> unsupportedParameters() {
    return Stream.of(
        arguments(
            "toolSpecifications",
            ChatRequestParameters.builder()
                .toolSpecifications(ToolSpecification.builder().name("t").build())
                .build()),
        arguments(
            "toolChoice", ChatRequestParameters.builder().toolChoice(ToolChoice.REQUIRED).build()),
        arguments(
            "responseFormat",
            ChatRequestParameters.builder().responseFormat(ResponseFormat.JSON).build()),
        arguments(
            "frequencyPenalty", ChatRequestParameters.builder().frequencyPenalty(0.5).build()),
        arguments("presencePenalty", ChatRequestParameters.builder().presencePenalty(0.5).build()));
  }

  @ParameterizedTest
  @MethodSource("unsupportedParameters")
  void parametersThatTheModelKnowsNothingOf(String name, ChatRequestParameters parameters) {
    assertRefused(
        UnsupportedFeatureException.class,
        name + ": not supported",
        ChatRequest.builder().messages(Phantoms.about(5, "a?")).parameters(parameters).build());
  }

  @Test
  void valuesThatCannotBe() {
    for (var entry :
        Map.<String, ChatRequestParameters>of(
                "stopSequences: one is null",
                    ChatRequestParameters.builder()
                        .stopSequences(Arrays.asList((String) null))
                        .build(),
                "stopSequences: one is empty",
                    ChatRequestParameters.builder().stopSequences("a", "").build(),
                "maxOutputTokens = 0", ChatRequestParameters.builder().maxOutputTokens(0).build(),
                "temperature = -1.0", ChatRequestParameters.builder().temperature(-1.0).build(),
                "topP = 0.0", ChatRequestParameters.builder().topP(0.0).build())
            .entrySet()) {
      assertRefused(
          InvalidRequestException.class,
          entry.getKey(),
          ChatRequest.builder()
              .messages(Phantoms.about(5, "a?"))
              .parameters(entry.getValue())
              .build());
    }
    assertRefused(
        ModelNotFoundException.class,
        "modelName = other, but this model is demo",
        ChatRequest.builder().messages(Phantoms.about(5, "a?")).modelName("other").build());
    assertThrows(
        IllegalArgumentException.class,
        () -> MedPrunerChatRequestParameters.builder().preset("none such"));
    assertThrows(IllegalArgumentException.class, () -> VolumeReading.DEFAULT.withMaxSlices(0));
  }

  static Stream<Arguments> unsupportedMessages() {
    String tool = ToolExecutionRequest.builder().name("t").id("1").build().name();
    return Stream.of(
        arguments(
            "messages[0].contents[0]: contents of type AUDIO",
            List.of(UserMessage.from(AudioContent.from("file:/a.wav")))),
        arguments(
            "messages[0].contents[1]: contents of type VIDEO",
            List.of(UserMessage.from(TextContent.from("a?"), VideoContent.from("file:/a.mp4")))),
        arguments(
            "messages[0].contents[0]: contents of type PDF",
            List.of(UserMessage.from(PdfFileContent.from("file:/a.pdf")))),
        arguments(
            "messages[0].contents[0]: only file: URIs",
            List.of(UserMessage.from(ImageContent.from("https://example.org/ct.nii.gz")))),
        arguments(
            "messages[0].contents[0]: MIME type 'image/webp'",
            List.of(UserMessage.from(ImageContent.from("AAAA", "image/webp")))),
        arguments(
            "messages[1]: tools",
            List.of(
                Phantoms.about(5, "a?"),
                AiMessage.from(ToolExecutionRequest.builder().name(tool).build()))),
        arguments(
            "messages[1]: messages of type TOOL_EXECUTION_RESULT",
            List.of(Phantoms.about(5, "a?"), ToolExecutionResultMessage.from("1", tool, "r"))),
        arguments(
            "messages[0]: messages of type CUSTOM", List.of(CustomMessage.from(Map.of("a", "b")))),
        arguments(
            "messages[2].contents[0]: a second volume",
            List.of(Phantoms.about(5, "a?"), AiMessage.from("b"), Phantoms.about(1, "c?"))));
  }

  @ParameterizedTest
  @MethodSource("unsupportedMessages")
  void messagesThatTheModelKnowsNothingOf(String start, List<ChatMessage> messages) {
    assertRefused(
        UnsupportedFeatureException.class, start, ChatRequest.builder().messages(messages).build());
  }

  static Stream<Arguments> messagesThatCannotBe() {
    return Stream.of(
        arguments("messages: none has a volume", List.of(UserMessage.from("a?"))),
        arguments(
            "messages: the question is empty",
            List.of(UserMessage.from(VolumeContent.of(Demo.phantom(5))))),
        arguments("messages: the last one", List.of(Phantoms.about(5, "a?"), AiMessage.from("b"))),
        arguments("messages[0]: an answer", List.of(AiMessage.from("b"), Phantoms.about(5, "a?"))),
        arguments(
            "messages[1]: a system message",
            List.of(Phantoms.about(5, "a?"), SystemMessage.from("be brief"))),
        arguments(
            "messages[0].contents[0]: the data is not valid base64",
            List.of(UserMessage.from(ImageContent.from("?", VolumeContent.NIFTI)))),
        arguments(
            "messages[0].contents[1]: slices must be of one MIME type",
            List.of(
                UserMessage.from(
                    VolumeContent.of(new byte[4], VolumeContent.DICOM),
                    VolumeContent.of(new byte[4], "image/png")))),
        arguments(
            "/nowhere/ct.nii: no such file",
            List.of(
                UserMessage.from(
                    VolumeContent.of(Path.of("/nowhere/ct.nii")), TextContent.from("a?")))),
        arguments("question: ", List.of(Phantoms.about(5, "<start_of_turn>"))));
  }

  @ParameterizedTest
  @MethodSource("messagesThatCannotBe")
  void messagesThatCannotBeAnswered(String start, List<ChatMessage> messages) {
    assertRefused(
        InvalidRequestException.class, start, ChatRequest.builder().messages(messages).build());
  }

  @Test
  void bytesThatAreNoVolumeAreNotCalledByATemporaryName() {
    byte[] text = "not a volume".getBytes(StandardCharsets.UTF_8);
    UserMessage message =
        UserMessage.from(VolumeContent.of(text, VolumeContent.NIFTI), TextContent.from("a?"));
    assertRefused(
        InvalidRequestException.class, "bytes-", ChatRequest.builder().messages(message).build());
  }

  @Test
  void filesOutsideTheFolderAreNotRead() throws IOException {
    Path inside = Files.copy(Demo.phantom(5), folder.resolve("a.nii.gz"));
    Path link = Files.createSymbolicLink(folder.resolve("b.nii.gz"), Demo.phantom(5));
    try (MedPrunerChatModel bounded =
        MedPrunerChatModel.builder().modelPath(Demo.folder()).volumesUnder(folder).build()) {
      for (Path outside :
          List.of(Demo.phantom(5), link, folder.resolve("../x"), folder.resolve("none/x"))) {
        InvalidRequestException e =
            assertThrows(
                InvalidRequestException.class,
                () ->
                    bounded.chat(
                        UserMessage.from(VolumeContent.of(outside), TextContent.from("a?"))));
        assertTrue(e.getMessage().contains("outside"), e.getMessage());
      }
      UserMessage missing =
          UserMessage.from(VolumeContent.of(folder.resolve("none")), TextContent.from("a?"));
      InvalidRequestException none =
          assertThrows(InvalidRequestException.class, () -> bounded.chat(missing));
      assertTrue(none.getMessage().contains("no such file"), none.getMessage());
      UserMessage message =
          UserMessage.from(VolumeContent.of(inside), TextContent.from(Demo.QUESTION));
      assertEquals("demo", bounded.chat(message).modelName());
    }
  }

  @Test
  void aBuilderNeedsOneModel() {
    assertThrows(IllegalStateException.class, () -> MedPrunerChatModel.builder().build());
    assertThrows(
        InputException.class, () -> MedPrunerChatModel.builder().modelPath(folder).build());
    assertThrows(IllegalArgumentException.class, () -> MedPrunerChatModel.builder().maxVolumes(0));
    assertThrows(IllegalArgumentException.class, () -> MedPrunerChatModel.builder().maxWaiting(-1));
    IllegalArgumentException none =
        assertThrows(
            IllegalArgumentException.class,
            () -> MedPrunerChatModel.builder().timeout(Duration.ZERO));
    assertEquals("timeout = PT0S, but it must be > 0", none.getMessage());
  }

  /** A checkpoint that is not there is noticed when it is loaded. */
  @Test
  @SuppressWarnings("NullAway")
  void whatCannotBeIsNoticedBeforeTheModelIsLoaded() {
    MedPrunerChatModel.Builder listened =
        MedPrunerChatModel.builder()
            .modelPath(folder.resolve("none"))
            .listeners(Arrays.asList((ChatModelListener) null));
    assertThrows(NullPointerException.class, listened::build);
    MedPrunerChatModel.Builder undecided =
        MedPrunerChatModel.builder()
            .modelPath(folder.resolve("none"))
            .defaultRequestParameters(null);
    assertThrows(NullPointerException.class, undecided::build);
  }

  @Test
  void defaultsThatEveryRequestWouldBeRefusedForAreRefusedAtOnce() {
    MedPrunerChatModel.Builder builder =
        MedPrunerChatModel.builder()
            .modelPath(Demo.folder())
            .defaultRequestParameters(ChatRequestParameters.builder().modelName("mine").build());
    ModelNotFoundException e = assertThrows(ModelNotFoundException.class, builder::build);
    assertEquals("modelName = mine, but this model is demo", e.getMessage());
  }
}
