package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionContentPart;
import com.openai.models.chat.completions.ChatCompletionContentPartImage;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.volume.SliceImages;

/** Answers over HTTP are those of the same model in the same process. */
@SuppressWarnings("deprecation") // the client has no other way to fields that are not OpenAI's
class ChatTest {
  private static VisionLanguageModel model;
  private static TestServer server;
  private static String phantom;

  @TempDir Path folder;

  @BeforeAll
  static void start() {
    model = Demo.load();
    server = new TestServer(model, TestServer.OPTIONS);
    phantom = server.upload(Demo.phantom(5));
  }

  @AfterAll
  static void close() {
    if (server != null) {
      server.close();
      model.close();
    }
  }

  /** The answers to questions in one conversation, without a server. */
  private static List<Answer> inProcess(Path file, PruningPolicy policy, String... questions) {
    List<Answer> answers = new ArrayList<>();
    try (EncodedVolume volume = model.encode(Demo.images(file), policy, Progress.NONE);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      for (String question : questions) {
        answers.add(conversation.ask(question, GenerationOptions.DEFAULT, Progress.NONE));
      }
    }
    return answers;
  }

  @Test
  void answersAsTheModelDoes() {
    Answer expected = inProcess(Demo.phantom(5), PruningPolicy.PAPER, Demo.QUESTION).getFirst();
    ChatCompletion completion =
        server.openai.chat().completions().create(server.about(phantom, Demo.QUESTION).build());
    assertEquals(expected.text(), completion.choices().getFirst().message().content().orElse(""));
    assertEquals("stop", completion.choices().getFirst().finishReason().asString());
    assertEquals(expected.promptTokens(), completion.usage().orElseThrow().promptTokens());
    assertEquals(expected.tokenIds().size(), completion.usage().orElseThrow().completionTokens());
    assertEquals("demo", completion.model());
    JsonValue own = Objects.requireNonNull(completion._additionalProperties().get("medpruner"));
    Map<?, ?> pruning = Objects.requireNonNull(own.convert(Map.class));
    assertEquals("paper", pruning.get("policy"));
    assertEquals(24, pruning.get("slices"));
    assertEquals(expected.unprunedPromptTokens(), pruning.get("unpruned_prompt_tokens"));
    assertEquals("/v1/audits/" + completion.id(), pruning.get("audit"));
  }

  @Test
  void answersAsTransformersDoesWithoutPruning() throws IOException {
    JsonNode expected =
        new ObjectMapper().readTree(Demo.folder().resolve("expected.json").toFile()).get(0);
    String file = server.upload(Demo.folder().resolve("phantoms/" + expected.get("file").asText()));
    // The goldens were made with the CT recipe.
    String answer =
        server.ask(
            server
                .about(file, expected.get("question").asText())
                .putAdditionalBodyProperty(
                    "medpruner", JsonValue.from(Map.of("preset", "off", "modality", "ct"))));
    assertEquals(expected.get("text").asText(), answer);
  }

  @Test
  void streamsTheAnswer() throws Exception {
    Answer expected = inProcess(Demo.phantom(5), PruningPolicy.PAPER, Demo.QUESTION).getFirst();
    List<ChatCompletionChunk> chunks;
    try (StreamResponse<ChatCompletionChunk> stream =
        server
            .openai
            .chat()
            .completions()
            .createStreaming(
                server
                    .about(phantom, Demo.QUESTION)
                    .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
                    .build())) {
      chunks = stream.stream().toList();
    }
    String text =
        chunks.stream()
            .flatMap(c -> c.choices().stream())
            .flatMap(c -> c.delta().content().stream())
            .collect(Collectors.joining());
    assertEquals(expected.text(), text);
    assertEquals(
        "assistant",
        chunks.getFirst().choices().getFirst().delta().role().orElseThrow().asString());
    ChatCompletionChunk last = chunks.getLast();
    assertTrue(last.choices().isEmpty());
    assertEquals(expected.promptTokens(), last.usage().orElseThrow().promptTokens());
    ChatCompletionChunk ending = chunks.get(chunks.size() - 2);
    assertEquals("stop", ending.choices().getFirst().finishReason().orElseThrow().asString());
    assertTrue(ending._additionalProperties().containsKey("medpruner"));

    HttpResponse<String> raw =
        server.chat(server.body(phantom, Demo.QUESTION, ", \"stream\": true"));
    assertTrue(raw.headers().firstValue("Content-Type").orElse("").startsWith("text/event-stream"));
    assertTrue(raw.body().endsWith("data: [DONE]\n\n"), raw.body());
  }

  private static ChatCompletionCreateParams.Builder followUp(String answer) {
    return server
        .about(phantom, Demo.QUESTION)
        .addAssistantMessage(answer)
        .addUserMessage(Demo.FURTHER);
  }

  @Test
  void followsUpInTheConversationThatIsThere() throws Exception {
    List<Answer> expected =
        inProcess(Demo.phantom(5), PruningPolicy.PAPER, Demo.QUESTION, Demo.FURTHER);
    String first = server.ask(server.about(phantom, Demo.QUESTION));
    assertEquals(expected.getFirst().text(), first);
    ChatCompletion second = server.openai.chat().completions().create(followUp(first).build());
    assertEquals(
        expected.getLast().text(), second.choices().getFirst().message().content().orElse(""));
    assertEquals(expected.getLast().promptTokens(), second.usage().orElseThrow().promptTokens());
  }

  @Test
  void followsUpOnWhatTheClientTells() {
    String told = "two organs";
    Answer expected;
    try (EncodedVolume volume =
            model.encode(Demo.images(Demo.phantom(5)), PruningPolicy.PAPER, Progress.NONE);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      conversation.recall(Demo.QUESTION, told, Progress.NONE);
      expected = conversation.ask(Demo.FURTHER, GenerationOptions.DEFAULT, Progress.NONE);
    }
    ChatCompletion answer = server.openai.chat().completions().create(followUp(told).build());
    assertEquals(expected.text(), answer.choices().getFirst().message().content().orElse(""));
    assertEquals(expected.promptTokens(), answer.usage().orElseThrow().promptTokens());
  }

  @Test
  void takesPicturesInTheMessage() throws IOException {
    SliceImages slices = Demo.images(Demo.phantom(3));
    List<ChatCompletionContentPart> parts = new ArrayList<>();
    for (int i = 0; i < slices.count(); i++) {
      byte[] png = png(slices, i);
      Files.write(folder.resolve(String.format("%03d.png", i)), png);
      parts.add(
          ChatCompletionContentPart.ofImageUrl(
              ChatCompletionContentPartImage.builder()
                  .imageUrl(
                      ChatCompletionContentPartImage.ImageUrl.builder()
                          .url("data:image/png;base64," + Base64.getEncoder().encodeToString(png))
                          .build())
                  .build()));
    }
    parts.add(TestServer.text(Demo.QUESTION));
    Answer expected = inProcess(folder, PruningPolicy.PAPER, Demo.QUESTION).getFirst();
    String answer =
        server.ask(
            ChatCompletionCreateParams.builder()
                .model("demo")
                .addUserMessageOfArrayOfContentParts(parts));
    assertEquals(expected.text(), answer);
  }

  static byte[] png(SliceImages slices, int index) throws IOException {
    BufferedImage image =
        new BufferedImage(slices.width(), slices.height(), BufferedImage.TYPE_INT_RGB);
    byte[] rgb = slices.pixels().get(index);
    for (int i = 0; i < slices.width() * slices.height(); i++) {
      int value =
          (rgb[3 * i] & 0xff) << 16 | (rgb[3 * i + 1] & 0xff) << 8 | (rgb[3 * i + 2] & 0xff);
      image.setRGB(i % slices.width(), i / slices.width(), value);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  @Test
  void keepsTheAuditRecord() throws Exception {
    ChatCompletion completion =
        server
            .openai
            .chat()
            .completions()
            .create(
                server
                    .about(phantom, Demo.QUESTION)
                    .putAdditionalBodyProperty(
                        "medpruner", JsonValue.from(Map.of("gamma", 0.1, "maxGapSlices", 5)))
                    .build());
    String record = server.get("/v1/audits/" + completion.id()).body();
    Path schema = Demo.root().resolve("docs/audit.schema.json");
    assertEquals(
        List.of(),
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(Files.readString(schema))
            .validate(record, InputFormat.JSON));
    JsonNode audit = new ObjectMapper().readTree(record);
    assertEquals(phantom, audit.at("/input/path").asText());
    assertEquals(Demo.QUESTION, audit.get("question").asText());
    assertEquals(
        completion.choices().getFirst().message().content().orElse(""),
        audit.get("answer").asText());
    assertEquals("paper+", audit.at("/policy/name").asText());
    assertEquals(0.1, audit.at("/policy/gamma").asDouble());
    assertEquals(5, audit.at("/policy/maxGapSlices").asInt());

    JsonNode sheet = TestServer.json(server.get("/v1/audits/" + completion.id() + "/slices"));
    assertEquals(5, sheet.get("columns").asInt());
    assertEquals(64, sheet.get("gridHeight").asInt() * sheet.get("gridWidth").asInt());
    byte[] jpeg =
        Base64.getDecoder()
            .decode(sheet.get("image").asText().substring("data:image/jpeg;base64,".length()));
    BufferedImage picture = ImageIO.read(new java.io.ByteArrayInputStream(jpeg));
    assertEquals(5 * sheet.get("width").asInt(), picture.getWidth());
    assertEquals(404, server.get("/v1/audits/chatcmpl-none").statusCode());
  }

  @Test
  void logsNothingOfWhatClientsSend() throws Exception {
    Path named = Files.copy(Demo.phantom(1), folder.resolve("SMITH_JOHN_19490511.nii.gz"));
    String file = server.upload(named);
    assertFalse(file.contains("SMITH"));
    String body = server.body(file, "Does JOHN SMITH have a lesion?", ", \"user\": \"SMITH\"");
    HttpResponse<String> response = server.chat(body);
    assertEquals(200, response.statusCode(), response.body());
    String id = TestServer.json(response).get("id").asText();
    server.awaitLog(id);
    assertEquals(404, server.get("/v1/files/SMITH").statusCode());
    assertEquals(404, server.get("/SMITH?SMITH").statusCode());
    assertEquals(404, server.get("/v1/models/SMITH").statusCode());
    server.awaitLog("unknown");
    assertEquals(List.of(), server.log.stream().filter(l -> l.contains("SMITH")).toList());
    assertFalse(
        server.get("/v1/audits/" + id).body().replace("JOHN SMITH have", "").contains("SMITH"));
  }

  @Test
  void tellsOfItsModelAndItself() throws Exception {
    assertEquals("demo", server.openai.models().list().data().getFirst().id());
    assertEquals("demo", server.openai.models().retrieve("demo").id());
    assertEquals(200, server.get("/healthz").statusCode());
    String page = server.get("/").body();
    assertTrue(page.contains("viewer.js") && page.contains("viewer.css"), page);
    assertEquals(200, server.get("/viewer.js").statusCode());
    HttpResponse<String> metrics = server.get("/metrics");
    assertTrue(metrics.headers().firstValue("Content-Type").orElse("").startsWith("text/plain"));
    assertTrue(metrics.body().contains("# TYPE medpruner_chat_seconds histogram"));
  }
}
