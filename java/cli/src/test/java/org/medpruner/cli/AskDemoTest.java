package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole path from a file to an answer, on the demo checkpoint. */
class AskDemoTest {
  private static final String QUESTION = "Which organ contains the lesion?";

  @TempDir Path folder;

  private static JsonNode checked(Path json) throws IOException {
    assertEquals(List.of(), AuditSchemaTest.validate(Files.readString(json)));
    return new ObjectMapper().readTree(json.toFile());
  }

  private static void assertAgreesWithItself(JsonNode audit) {
    int all = audit.get("slices").size() * audit.at("/model/tokensPerSlice").asInt();
    int kept = 0;
    int tokens = 0;
    for (JsonNode s : audit.get("slices")) {
      kept += s.get("kept").asBoolean() ? 1 : 0;
      tokens += s.get("tokens").asInt();
      if (s.has("nucleusTokens")) {
        assertEquals(s.get("nucleus").asInt(), s.get("nucleusTokens").size());
        assertEquals(s.get("targets").asInt(), s.get("targetTokens").size());
        assertEquals(audit.at("/model/tokensPerSlice").asInt(), s.get("assignment").size());
        assertEquals(s.get("tokens").asInt(), s.get("nucleus").asInt() + s.get("targets").asInt());
      }
    }
    assertEquals((double) kept / audit.get("slices").size(), audit.at("/rates/slice").asDouble());
    assertEquals((double) tokens / all, audit.at("/rates/overall").asDouble(), 1e-12);
    assertEquals(audit.get("slices").size() - kept, audit.at("/savings/encoderSlices").asInt());
    for (String stage : List.of("read", "load", "anchor", "encode", "prune")) {
      assertTrue(audit.get("timings").has(stage), stage);
    }
  }

  @Test
  void answerAloneIsOnStandardOutput() throws IOException {
    Path json = folder.resolve("audit.json");
    CliRun run = ask("--json", json.toString(), "--report", folder.toString());
    assertEquals("spleen", run.out().strip());
    assertEquals(1, run.out().lines().count());
    for (String row : List.of("slices kept", "tokens kept", "prefill saved", "KV cache", "peak")) {
      assertTrue(run.err().contains(row), row);
    }
    JsonNode audit = checked(json);
    assertAgreesWithItself(audit);
    assertTrue(audit.at("/savings/prefillTokens").asInt() > 0);
    assertTrue(audit.at("/savings/kvBytes").asLong() > 0);
    assertEquals(QUESTION, audit.get("question").asText());
    assertEquals("spleen", audit.get("answer").asText());
    assertEquals("stop-token", audit.at("/generation/ending").asText());
    assertEquals("F32", audit.at("/model/computeType").asText());
    assertTrue(Files.readString(folder.resolve("report.html")).contains(QUESTION));
  }

  private static CliRun ask(String... options) {
    List<String> all = new ArrayList<>(List.of("--question", QUESTION));
    all.addAll(List.of(options));
    return CliRun.onDemo("ask", TestVolumes.phantom(5), all.toArray(String[]::new));
  }

  @Test
  void severalQuestionsAreAnsweredLineByLine() throws IOException {
    CliRun run = ask("--question", "How many lesions are there?");
    assertEquals(2, run.out().lines().count(), run.out());
    assertEquals("spleen", run.out().lines().findFirst().orElseThrow());
    assertEquals(run.out(), ask("--question", "How many lesions are there?", "--stream").out());
  }

  @Test
  void streamedSampledAndStoppedAnswers() throws IOException {
    assertEquals("spleen", ask("--stream").out().strip());
    assertEquals("spl", ask("--stop", "e").out().strip());
    assertEquals("spl", ask("--stop", "e", "--stream").out().strip());
    assertEquals(
        "spleen", ask("--sampling-temperature", "5", "--top-k", "1", "--seed", "3").out().strip());
    String[] warm = {"--sampling-temperature", "30", "--seed", "1", "--max-new-tokens", "8"};
    assertEquals(ask(warm).out(), ask(warm).out());
  }

  @Test
  void unprunedAnswersAreTheStockModels() throws IOException {
    JsonNode expected =
        new ObjectMapper().readTree(TestVolumes.demoModel().resolve("expected.json").toFile());
    JsonNode one = expected.get(8);
    CliRun run =
        CliRun.onDemo(
            "ask",
            TestVolumes.demoModel().resolve("phantoms/" + one.get("file").asText()),
            "--preset",
            "off",
            "--question",
            one.get("question").asText());
    assertEquals(one.get("text").asText(), run.out().strip());
  }

  @Test
  void pruneWithAModel() throws IOException {
    Path json = folder.resolve("audit.json");
    CliRun.onDemo(
        "prune", TestVolumes.phantom(1), "--preset", "nucleus", "--json", json.toString());
    JsonNode audit = checked(json);
    assertAgreesWithItself(audit);
    assertTrue(audit.get("question").isNull());
  }

  @Test
  void compareShowsBothAnswers() throws IOException {
    Path json = folder.resolve("audit.json");
    CliRun run =
        CliRun.onDemo(
            "compare", TestVolumes.phantom(5), "--question", QUESTION, "--json", json.toString());
    List<String> lines = run.out().lines().toList();
    assertEquals(List.of("off    spleen", "paper  spleen"), lines.subList(0, 2));
    JsonNode ratios = checked(json).get("comparison");
    assertTrue(ratios.get("prefillTokens").asDouble() > 1);
    assertTrue(ratios.get("kvBytes").asDouble() > 1);
    // The table is of the pruned run, and off came after it.
    List<String> ofBoth = figures(run.out(), "peak memory");
    List<String> ofPruned = figures(run.err(), "peak memory");
    assertEquals(ofPruned, ofBoth.subList(1, 2), run.out() + run.err());
  }

  /** "403.3 MiB" and the like in the line that begins with a name, or "-". */
  private static List<String> figures(String text, String name) {
    String line = text.lines().filter(l -> l.startsWith(name)).findFirst().orElse("");
    return Pattern.compile("[\\d.]+ [KMGT]iB").matcher(line).results().map(m -> m.group()).toList();
  }

  @Test
  void demoAnswersRight() throws IOException {
    TestVolumes.demoModel();
    String before = System.getProperty("medpruner.root");
    System.setProperty("medpruner.root", TestVolumes.root().toString());
    try {
      CliRun run = CliRun.of("demo", "--output", folder.toString()).assertDone();
      List<String> lines = run.out().lines().toList();
      assertEquals(3, lines.size(), run.out());
      assertEquals(lines.get(2).replace("truth ", "answer"), lines.get(1));
    } finally {
      if (before == null) {
        System.clearProperty("medpruner.root");
      } else {
        System.setProperty("medpruner.root", before);
      }
    }
    JsonNode audit = checked(folder.resolve("audit.json"));
    assertAgreesWithItself(audit);
    assertEquals(audit.get("truth").asText(), audit.get("answer").asText());
    assertTrue(Files.exists(folder.resolve("report.html")));
  }

  @Test
  void realHeadMri() {
    CliRun run =
        CliRun.onDemo(
            "ask",
            TestVolumes.headMri(),
            "--modality",
            "mri",
            "--question",
            "How many lesions are there?");
    assertTrue(!run.out().isBlank());
  }

  /** Two answers that were cut may look alike. */
  @Test
  void compareSaysWhichAnswersWereCut() {
    CliRun run =
        CliRun.onDemo(
            "compare", TestVolumes.phantom(5), "--question", QUESTION, "--max-new-tokens", "1");
    assertTrue(run.err().contains(AskCommand.CUT + ": off\n"), run.err());
    assertTrue(run.err().contains(AskCommand.CUT + ": paper\n"), run.err());
    CliRun whole = CliRun.onDemo("compare", TestVolumes.phantom(5), "--question", QUESTION);
    assertFalse(whole.err().contains(AskCommand.CUT), whole.err());
  }
}
