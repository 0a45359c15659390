package org.medpruner.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;
import org.medpruner.NucleusSelect;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.Rates;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.ModelInfo;

/** A run's folder, read back. */
class RunTest {
  private static final Setting SWEPT =
      new Setting(
          "paper gamma=0.02",
          "paper",
          PruningPolicy.PAPER.toBuilder()
              .gamma(0.02)
              .score(NucleusSelect.Score.MASS)
              .maxTokens(7)
              .build());

  static final RunHeader HEADER =
      new RunHeader(
          RunHeader.FORMAT,
          "2026-01-02T03:04:05Z",
          "test",
          "m3d",
          new RunHeader.Data("/data", List.of("M3D_test.json"), "aa", "bb"),
          new ModelInfo(
              "/m", "Gemma3ForConditionalGeneration", 12, "F32", "F32", "cpu", 112, 64, 9),
          "cc",
          List.of(Setting.OFF, SWEPT),
          new RunHeader.Selection(500, 2, 42, 2, "dd"),
          85,
          GenerationOptions.DEFAULT);

  static final List<Sample> SAMPLES =
      List.of(
          new Sample("m3d-00001", "a/b", "Plane", Sample.Kind.CLOSED, "Q?", "B", choices()),
          new Sample(
              "m3d-00002", "a/b", "Organ", Sample.Kind.OPEN, "Wo \u2028 \"x\"?\n", "é", Map.of()));

  @TempDir Path folder;

  private static Map<String, String> choices() {
    Map<String, String> choices = new LinkedHashMap<>();
    choices.put("B", "yes");
    choices.put("A", "no");
    return choices;
  }

  private static SampleResult result(int sample, Setting setting, String answer) {
    return new SampleResult(
        SAMPLES.get(sample).id(),
        setting.name(),
        answer,
        null,
        "stop-token",
        "ff",
        "ready-made 8-bit pictures",
        List.of("a.png: the alpha channel was ignored"),
        3,
        List.of(0, 2),
        192,
        50,
        new Rates(2.0 / 3, 0.5, 1.0 / 3),
        new SampleResult.Seconds(0.1, 0.2, 0.3, 0.4, 0.5),
        2,
        -1,
        1 << 20,
        80,
        200,
        3);
  }

  @BeforeEach
  void write() throws IOException {
    Files.writeString(folder.resolve(RunFiles.HEADER), Json.page(HEADER));
    StringBuilder samples = new StringBuilder();
    SAMPLES.forEach(s -> samples.append(Json.line(s)).append('\n'));
    Files.writeString(folder.resolve(RunFiles.SAMPLES), samples);
  }

  private void append(String text) throws IOException {
    Files.writeString(
        folder.resolve(RunFiles.RESULTS),
        text,
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  @Test
  void everythingComesBackAsItWas() throws IOException {
    SampleResult good = result(0, SWEPT, "B");
    SampleResult bad = SampleResult.failed("m3d-00002", "off", "broken: \"x\"\nline", "");
    append(Json.line(good) + "\n" + Json.line(bad) + "\n");
    Run run = Run.read(folder);
    assertEquals(HEADER, run.header());
    assertEquals(SAMPLES, run.samples());
    assertEquals(List.of("B", "A"), List.copyOf(run.samples().getFirst().choices().keySet()));
    assertEquals(good, run.result(SWEPT, "m3d-00001"));
    assertEquals(bad, run.result(Setting.OFF, "m3d-00002"));
    assertNull(run.result(Setting.OFF, "m3d-00001"));
    assertTrue(bad.failed());
    assertFalse(good.failed());
    assertEquals(2, run.done());
    assertEquals(4, run.total());
    assertEquals(1, run.failures());
    assertFalse(run.complete());
  }

  @Test
  void aTornLastLineIsNotThere() throws IOException {
    String whole = Json.line(result(0, Setting.OFF, "A")) + "\n";
    String torn = Json.line(result(1, Setting.OFF, "liver")) + "\n";
    append(whole + torn.substring(0, torn.length() - 1));
    assertEquals(1, Run.read(folder).done());
  }

  @Test
  void aDamagedLineIsSaid() throws IOException {
    append(Json.line(result(0, Setting.OFF, "A")) + "\n{\"sample\":\n");
    InputException e = assertThrows(InputException.class, () -> Run.read(folder));
    assertTrue(
        String.valueOf(e.getMessage()).contains("results.jsonl, line 2"),
        String.valueOf(e.getMessage()));
  }

  @Test
  void aResultOfAnotherRunIsSaid() throws IOException {
    append(Json.line(SampleResult.failed("m3d-00001", "nucleus", "no", "")) + "\n");
    InputException e = assertThrows(InputException.class, () -> Run.read(folder));
    assertTrue(String.valueOf(e.getMessage()).contains("nucleus"), String.valueOf(e.getMessage()));
  }

  @Test
  void aFolderWithoutARunIsSaid() {
    InputException e =
        assertThrows(InputException.class, () -> Run.read(folder.resolve("nothing")));
    assertTrue(
        String.valueOf(e.getMessage()).contains("run.json: no such file"),
        String.valueOf(e.getMessage()));
  }
}
