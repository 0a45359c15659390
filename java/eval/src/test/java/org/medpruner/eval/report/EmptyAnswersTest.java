package org.medpruner.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.report.RunScenes.THREE;
import static org.medpruner.eval.report.RunScenes.TWO;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.Meteor;
import org.medpruner.eval.metrics.SampleScores;
import org.medpruner.eval.metrics.Scorer;
import org.w3c.dom.Document;

/** What says nothing has lost, and what differs in words or in score has changed. */
class EmptyAnswersTest {
  private WrittenReport report;

  @BeforeEach
  void report(@TempDir Path folder) {
    report = new WrittenReport(folder);
  }

  /** A setting that writes headings alone must not win by the one report it does write. */
  @Test
  void aReportThatPruningEmptiedIsLost() throws Exception {
    List<Sample> samples = RunScenes.samples(10, Kind.REPORT);
    List<SampleResult> results = new ArrayList<>();
    String good = "Findings: The liver is normal. Impression: No disease.";
    for (int i = 0; i < 10; i++) {
      Sample s = samples.get(i);
      results.add(RunScenes.result(Setting.OFF, 0, s, good, 24));
      String pruned = i == 0 ? good : i < 5 ? "Findings: Impression:" : "**Findings:**";
      results.add(RunScenes.result(TWO.get(1), 1, s, pruned, 24));
    }
    Document page = report.page(RunScenes.run(TWO, samples, results));
    Map<String, String> csv = report.csv();
    assertEquals("0", csv.get("off|any|(all)|empty"));
    assertEquals("9", csv.get("paper|any|(all)|empty"));
    assertEquals("1", csv.get("paper|report|(all)|quality"), "of the report that says something");
    assertEquals("10", csv.get("paper|report|(all)|paired"));
    assertEquals("9", csv.get("paper|report|(all)|lost"));
    assertEquals("9", csv.get("paper|report|(all)|changed"));
    assertEquals("-0.9", csv.get("paper|report|(all)|difference"));
    String md = report.text(EvaluationReport.MARKDOWN);
    assertTrue(md.contains("Every other setting loses more than a percentage point"), md);
    assertTrue(md.contains("**Reports that say nothing: paper 9. They are in no mean"), md);
    assertTrue(md.lines().anyMatch(l -> l.startsWith("| paper |") && l.endsWith("| 9 | 0 | 0 |")));
    String said = page.getDocumentElement().getTextContent();
    assertTrue(said.contains("Reports that say nothing: paper 9."), said);
    List<CSVRecord> changes = report.changes();
    assertEquals(9, changes.size());
    assertTrue(changes.stream().allMatch(r -> r.get("score").equals("0")));
  }

  /** Empty answers to questions are in the column, and need no word: they score 0. */
  @Test
  void emptyAnswersToQuestionsAreCountedAlone() throws Exception {
    List<Sample> samples = RunScenes.samples(2, Kind.CLOSED, Kind.OPEN);
    List<SampleResult> results = new ArrayList<>();
    for (int k = 0; k < 2; k++) {
      for (Sample s : samples) {
        results.add(RunScenes.result(TWO.get(k), k, s, k == 0 ? "Findings:" : "", 4));
      }
    }
    Document page = report.page(RunScenes.run(TWO, samples, results));
    assertEquals("0", report.csv().get("off|any|(all)|empty"));
    assertEquals("2", report.csv().get("paper|any|(all)|empty"));
    assertFalse(page.getDocumentElement().getTextContent().contains("say nothing:"));
  }

  /** The choice "A" is no article, and answers of the same words may score differently. */
  @Test
  void changesHaveTheScoreOfEverySettingsOwnAnswer() throws Exception {
    List<Sample> samples =
        List.of(
            RunScenes.sample(0, Kind.CLOSED, "A"),
            RunScenes.sample(1, Kind.CLOSED, "A"),
            RunScenes.sample(2, Kind.REPORT, "liver normal"),
            RunScenes.sample(3, Kind.CLOSED, "B"),
            RunScenes.sample(4, Kind.OPEN, "A"),
            RunScenes.sample(5, Kind.CLOSED, "B"));
    Run run =
        RunScenes.answers(
            THREE,
            samples,
            new String[][] {
              {"A", "", "."},
              {"B", "A", ""},
              {"spleen", "liver normal", "The liver, normal."},
              {"B", "b.", "(B)"},
              {"A", "the", "a"},
              {"A", "", "B"}
            });
    report.page(run);
    Scores scores = new Scores(run, new Scorer(Meteor.withWordNet()));
    Map<String, String> listed = new HashMap<>();
    for (CSVRecord r : report.changes()) {
      Sample s = samples.get(Integer.parseInt(r.get("sample")) - 1);
      Setting setting =
          THREE.stream().filter(x -> x.name().equals(r.get("setting"))).findFirst().orElseThrow();
      SampleScores of = scores.of(setting, s);
      assertNotNull(of);
      Double score = of.strict().get(Columns.primary(s.kind()));
      assertNotNull(score);
      String at = s.id() + " " + setting.name();
      assertEquals(Columns.plain(score), r.get("score"), at);
      listed.put(at, r.get("answer"));
    }
    assertEquals(
        Map.of(
            "s0 paper", "",
            "s0 nucleus", ".",
            "s1 paper", "A",
            "s1 nucleus", "",
            "s2 paper", "liver normal",
            "s2 nucleus", "The liver, normal.",
            "s4 paper", "the",
            "s5 paper", "",
            "s5 nucleus", "B"),
        listed);
    Map<String, String> csv = report.csv();
    for (String setting : List.of("paper", "nucleus")) {
      String row = setting + "|closed|(all)|";
      assertEquals("3", csv.get(row + "changed"), setting);
      assertEquals("1", csv.get(row + "lost"), setting);
      assertEquals("1", csv.get(row + "gained"), setting);
    }
  }

  /** A report that was emptied lost all, one that off alone left empty gained. */
  @Test
  void emptyReportsStandWhereTheyLost() {
    String good = "The liver is normal. No disease.";
    String other = "totally other words";
    List<Setting> settings = new ArrayList<>(THREE);
    settings.add(new Setting("paper gamma=0.1", "paper", PruningPolicy.PAPER.withGamma(0.1)));
    Run run =
        RunScenes.answers(
            settings,
            RunScenes.samples(3, Kind.REPORT),
            new String[][] {
              {good, "mass here", "The liver is normal. A cyst.", ""},
              {"", good, good, good},
              {good, other, other, other}
            });
    List<Changes> changes = Changes.of(run, new Scores(run, new Scorer(Meteor.withWordNet())));
    assertEquals(
        List.of("m3d-10000", "m3d-10002", "m3d-10001"),
        changes.stream().map(c -> c.sample().id()).toList());
    assertEquals(
        List.of("paper", "paper gamma=0.1", "nucleus"),
        changes.getFirst().answers().stream().map(o -> o.settings().getFirst().name()).toList());
    assertTrue(changes.getLast().loss() < 0);
  }
}
