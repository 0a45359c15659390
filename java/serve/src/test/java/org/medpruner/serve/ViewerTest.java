package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.serve.fixtures.Chromium;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.vlm.fixtures.WatchedModel;

/** The viewer in a browser: what a user sees is what the interface says. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class ViewerTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** One column and two, as the page is laid out. */
  private static final int[] WIDTHS = {420, 1200};

  private static Chromium browser;
  private static WatchedModel model;
  private static TestServer server;

  @TempDir Path folder;
  private WatchedModel.@Nullable Gate gate;

  @BeforeAll
  static void start() throws Exception {
    browser = Chromium.start();
    model = new WatchedModel(Demo.load());
    server = new TestServer(model, TestServer.OPTIONS);
  }

  @AfterAll
  static void close() {
    if (browser != null) {
      browser.close();
    }
    if (server != null) {
      server.close();
      model.close();
    }
  }

  @BeforeEach
  void open() {
    server.log.clear();
    browser.screen(1200, "light");
    open(server);
  }

  private static void open(TestServer from) {
    browser.open(from.server.uri());
  }

  /** Asks, and returns when the model is at that stage, where it stops. */
  private void askUntil(String stage, String question) throws InterruptedException {
    gate = model.stopAt(stage);
    ask(question);
    gate.await();
  }

  /** Lets the model go on. */
  @AfterEach
  void goOn() {
    model.stopNowhere();
    if (gate != null) {
      gate.open();
    }
  }

  @AfterEach
  void nothingElseHappened() {
    assertEquals(List.of(), browser.takeErrors());
    assertEquals(
        List.of(),
        browser.requests().stream()
            .filter(r -> !r.matches("(blob:)?http://127\\.0\\.0\\.1:\\d+/.*|data:.*"))
            .toList());
  }

  /** An answer of the interface, and its record. */
  private record Reply(ChatCompletion completion, ObjectNode record) {
    static Reply to(ChatCompletionCreateParams.Builder question) throws Exception {
      ChatCompletion completion = server.openai.chat().completions().create(question.build());
      HttpResponse<String> record = server.get("/v1/audits/" + completion.id());
      return new Reply(completion, (ObjectNode) TestServer.json(record));
    }

    String text() {
      return completion.choices().getFirst().message().content().orElseThrow();
    }

    long promptTokens() {
      return completion.usage().orElseThrow().promptTokens();
    }

    /** The slices as one picture. */
    JsonNode sheet() throws Exception {
      return TestServer.json(server.get("/v1/audits/" + completion.id() + "/slices"));
    }
  }

  private static void awaitVolume() {
    browser.await("!document.querySelector('#send').disabled");
  }

  private static void ask(String question) {
    remember();
    browser.enter(question);
  }

  /** Asks what stands there. */
  private static void askAgain() {
    remember();
    browser.click("#send");
  }

  /** The link to the record is the last of what is new with an answer. */
  private static void remember() {
    browser.evaluate("window.last = document.querySelector('#audit').href");
  }

  /** Waits for the end of a turn, the first is 1, and of what is shown after it. */
  private static void awaitAnswer(int turn) {
    browser.await(
        "/^[0-9.]+ s$/.test(document.querySelector('#turns li:nth-child(%d) .n')?.textContent)"
                .formatted(turn)
            + " && document.querySelector('#audit').href !== window.last");
  }

  private static void awaitMessage() {
    browser.await("document.querySelector('#message').textContent !== ''");
  }

  private static String shown(int turn, String part) {
    return browser.text("#turns li:nth-child(" + turn + ") ." + part);
  }

  @Test
  void aDroppedVolumeIsAskedAboutAndFollowedUp() throws Exception {
    String file = server.upload(Demo.phantom(5));
    Reply first = Reply.to(server.about(file, Demo.QUESTION));
    Reply second =
        Reply.to(
            server
                .about(file, Demo.QUESTION)
                .addAssistantMessage(first.text())
                .addUserMessage(Demo.FURTHER));

    browser.await("document.querySelector('#model').textContent === 'model demo'");
    assertTrue(browser.evaluate("document.querySelector('#send').disabled").asBoolean());
    browser.drop("#drop", Demo.phantom(5));
    awaitVolume();
    assertTrue(browser.text("#volume").matches("file-\\S+, 209 KiB"), browser.text("#volume"));

    ask(Demo.QUESTION);
    awaitAnswer(1);
    assertEquals(Demo.QUESTION, shown(1, "q"));
    assertEquals(first.text(), shown(1, "a"));
    assertFigures(first.record);
    assertPictures(first);

    double before = server.metric("medpruner_prompt_tokens_total");
    ask(Demo.FURTHER);
    awaitAnswer(2);
    assertEquals(first.text(), shown(1, "a"));
    assertEquals(Demo.FURTHER, shown(2, "q"));
    assertEquals(second.text(), shown(2, "a"));
    // The prompt has the first turn in it.
    assertTrue(second.promptTokens() > first.promptTokens());
    assertEquals(second.promptTokens(), server.metric("medpruner_prompt_tokens_total") - before);
    assertFigures(second.record);
    assertEquals("", browser.text("#message"));

    assertSaved(second.record);
    for (int width : WIDTHS) {
      for (String scheme : List.of("light", "dark")) {
        browser.screen(width, scheme);
        assertTrue(
            browser.evaluate("document.documentElement.scrollWidth <= innerWidth").asBoolean(),
            "the page is wider than " + width);
        Path pictures = Files.createDirectories(Path.of("target", "viewer"));
        browser.picture(pictures.resolve(scheme + "-" + width + ".png"));
      }
    }
  }

  private static long kept(JsonNode record) {
    return StreamSupport.stream(record.get("slices").spliterator(), false)
        .filter(s -> s.get("kept").asBoolean())
        .count();
  }

  private static void assertFigures(JsonNode record) {
    int tokens = 0;
    for (JsonNode slice : record.get("slices")) {
      tokens += slice.get("tokens").asInt();
    }
    int slices = record.get("slices").size();
    assertEquals(
        "%d of %d slices, %d of %d visual tokens (preset paper)"
            .formatted(
                kept(record), slices, tokens, slices * record.at("/model/tokensPerSlice").asInt()),
        browser.text("#figures"));
  }

  /** What each figure's picture has: levels of grey, and marks on the upper edges of tokens. */
  private static final String PICTURES =
      """
      (([height, width]) => {
        const style = getComputedStyle(document.documentElement);
        const marks = ['--kept', '--target'].map(name =>
          style.getPropertyValue(name).match(/[0-9a-f]{2}/gi).map(hex => parseInt(hex, 16)));
        return [...document.querySelectorAll('#slices figure')].map(figure => {
          const canvas = figure.querySelector('canvas');
          const g = canvas.getContext('2d');
          const all = g.getImageData(0, 0, canvas.width, canvas.height).data;
          const counts = marks.map(() => 0);
          for (let t = 0; t < width * height; t++) {
            const x = Math.floor((t %% width + .5) * canvas.width / width);
            const y = Math.floor(Math.floor(t / width) * canvas.height / height);
            const at = 4 * (y * canvas.width + x);
            marks.forEach((mark, m) => {
              if (mark.every((value, i) => Math.abs(value - all[at + i]) < 8)) counts[m]++;
            });
          }
          return {
            shown: canvas.checkVisibility() && canvas.getBoundingClientRect().width > 50,
            levels: new Set(all.filter((_, i) => i %% 4 === 0)).size,
            kept: figure.className,
            caption: figure.querySelector('figcaption').textContent,
            nucleus: counts[0],
            targets: counts[1] };
        });
      })([%d, %d])""";

  private static void assertPictures(Reply reply) throws Exception {
    JsonNode sheet = reply.sheet();
    JsonNode figures =
        browser.evaluate(
            PICTURES.formatted(sheet.get("gridHeight").asInt(), sheet.get("gridWidth").asInt()));
    JsonNode slices = reply.record.get("slices");
    assertEquals(slices.size(), figures.size());
    for (int i = 0; i < slices.size(); i++) {
      JsonNode slice = slices.get(i);
      JsonNode figure = figures.get(i);
      boolean kept = slice.get("kept").asBoolean();
      String is =
          kept
              ? slice.get("tokens").asInt() + " tokens"
              : "as " + (slice.get("representative").asInt() + 1);
      assertEquals("slice " + (i + 1) + ": " + is, figure.get("caption").asText());
      assertEquals(kept ? "kept" : "dropped", figure.get("kept").asText());
      assertTrue(figure.get("shown").asBoolean(), "slice " + (i + 1));
      assertTrue(figure.get("levels").asInt() > 16, "slice " + (i + 1) + " is empty: " + figure);
      int nucleus = slice.path("nucleusTokens").size();
      assertEquals(nucleus, figure.get("nucleus").asInt(), "slice " + (i + 1));
      assertEquals(
          slice.get("tokens").asInt() - nucleus, figure.get("targets").asInt(), "slice " + (i + 1));
    }
  }

  /** The record that the page offers is the interface's; ids and times differ. */
  private void assertSaved(ObjectNode record) throws IOException {
    Path file = browser.save("#audit", folder, "audit.json");
    ObjectNode saved = (ObjectNode) MAPPER.readTree(file.toFile());
    for (ObjectNode one : List.of(saved, record)) {
      one.remove("timings");
      ((ObjectNode) one.get("input")).remove("path");
    }
    assertEquals(record, saved);
  }

  private static String withoutId(String message) {
    return message.replaceFirst("^file-\\w+: ", "");
  }

  @Test
  void aFileThatIsNoVolumeIsRefusedInOneLine() throws Exception {
    Path notes = Files.writeString(folder.resolve("notes.txt"), "This is no volume.");
    HttpResponse<String> refusal =
        server.chat(server.body(server.upload(notes), Demo.QUESTION, ""));
    assertEquals(400, refusal.statusCode());

    browser.choose("#files", notes);
    awaitVolume();
    ask(Demo.QUESTION);
    awaitMessage();
    String message = withoutId(TestServer.message(refusal));
    assertTrue(message.contains("neither a NIfTI nor a DICOM file"), message);
    assertEquals(message, withoutId(browser.text("#message")));
    assertFalse(message.contains("\n"), message);
    assertEquals(Demo.QUESTION + "\n\nfailed", browser.text("#turns"));
    assertEquals("", browser.text("#legend"));
    // The browser's own line about the response's status.
    List<String> errors = browser.takeErrors();
    assertTrue(errors.size() == 1 && errors.getFirst().contains(" 400 "), errors.toString());

    // The question need not be typed again.
    browser.drop("#drop", Demo.phantom(5));
    awaitVolume();
    assertEquals("", browser.text("#message"));
    askAgain();
    awaitAnswer(1);
    assertEquals(Demo.QUESTION, shown(1, "q"));
    assertEquals(
        server.ask(server.about(server.upload(Demo.phantom(5)), Demo.QUESTION)), shown(1, "a"));
  }

  @Test
  void aNewVolumeEndsTheConversationAboutTheOldOne() throws Exception {
    String other = server.upload(Demo.phantom(1));
    browser.drop("#drop", Demo.phantom(5));
    awaitVolume();
    ask(Demo.QUESTION);
    awaitAnswer(1);
    askUntil("decode", Demo.FURTHER);
    browser.drop("#drop", Demo.phantom(1));
    // The old answer is given up before it ends.
    server.awaitLog("POST /v1/chat/completions 499");
    goOn();
    awaitVolume();
    assertEquals("", browser.text("#turns"));
    assertEquals("", browser.text("#slices"));
    assertEquals("", browser.text("#record"));
    Reply alone = Reply.to(server.about(other, Demo.FURTHER));
    double before = server.metric("medpruner_prompt_tokens_total");
    ask(Demo.FURTHER);
    awaitAnswer(1);
    assertEquals(alone.text(), shown(1, "a"));
    assertEquals(alone.promptTokens(), server.metric("medpruner_prompt_tokens_total") - before);
    assertFigures(alone.record);
  }

  @Test
  void anAnswerCanBeStopped() throws Exception {
    browser.drop("#drop", Demo.phantom(5));
    awaitVolume();
    assertEquals("", browser.text("#stop"));
    askUntil("encode", Demo.QUESTION);
    browser.click("#stop");
    browser.await("document.querySelector('#turns .n').textContent === 'stopped'");
    goOn();
    assertEquals("", browser.text("#message"));
    assertEquals("", browser.text("#stop"));
    askAgain();
    awaitAnswer(2);
    assertEquals(Demo.QUESTION, shown(2, "q"));
  }

  @Test
  void aTokenIsAskedFor() throws Exception {
    try (TestServer guarded =
        new TestServer(model, TestServer.OPTIONS.withToken("open-sesame"), "open-sesame")) {
      open(guarded);
      awaitMessage();
      assertTrue(browser.text("#login").startsWith("This server asks for its token"));
      browser.evaluate("say('')");
      browser.click("#token");
      browser.enter("wrong-");
      awaitMessage();
      browser.evaluate("document.querySelector('#token').select()");
      browser.enter("open-sesame");
      browser.await("document.querySelector('#model').textContent === 'model demo'");
      assertEquals("", browser.text("#login"));
      List<String> errors = browser.takeErrors();
      assertTrue(
          errors.size() == 2 && errors.stream().allMatch(e -> e.contains(" 401 ")),
          errors.toString());
      browser.drop("#drop", Demo.phantom(5));
      awaitVolume();
      ask(Demo.QUESTION);
      awaitAnswer(1);
    }
  }

  @Test
  void filesAreSentInTheOrderOfTheirNumbers() {
    String order =
        "inOrder([%s].map(path => ({path}))).map(f => f.path).join()"
            .formatted(
                "'/s/10.png', '/s/9.png', '/s/.DS_Store', '/s/1.png', '/s/Thumbs.db', '/s/01.png',"
                    + " '/__MACOSX/s/._1.png'");
    assertEquals("/s/01.png,/s/1.png,/s/9.png,/s/10.png", browser.evaluate(order).asText());
  }
}
