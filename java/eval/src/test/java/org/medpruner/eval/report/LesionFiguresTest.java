package org.medpruner.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.Rates;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.Meteor;
import org.medpruner.eval.metrics.Scorer;
import org.medpruner.eval.phantom.PhantomBenchmark;
import org.medpruner.eval.phantom.PhantomTruth;

/** The lesion table of a small phantom benchmark with made-up answers. */
class LesionFiguresTest {
  private static final List<Setting> TWO = List.of(Setting.OFF, Setting.of(PruningPolicy.PAPER));

  @TempDir Path folder;
  private final List<Sample> samples = new ArrayList<>();
  private PhantomTruth truth;

  @BeforeEach
  void write() throws Exception {
    Path data = folder.resolve("data");
    PhantomBenchmark.write(data, 60, 3, (done, total) -> {});
    truth = PhantomTruth.read(data, PhantomBenchmark.ANNOTATIONS).orElseThrow();
    JsonNode listed = new ObjectMapper().readTree(data.resolve("M3D_test.json").toFile());
    for (JsonNode q : listed) {
      String prompt = q.path("conversations").get(0).path("value").asText();
      samples.add(
          new Sample(
              "m3d-" + samples.size(),
              q.path("video").get(0).asText(),
              q.path("sub-type").asText(),
              Kind.CLOSED,
              prompt.substring("<video>\n".length()),
              q.path("conversations").get(1).path("value").asText(),
              Map.of("A", "x", "B", "y", "C", "z", "D", "w")));
    }
  }

  private static SampleResult result(
      Setting setting, Sample s, String answer, List<Integer> keptSlices) {
    return new SampleResult(
        s.id(),
        setting.name(),
        answer,
        null,
        "stop-token",
        "ff",
        "CT windows",
        List.of(),
        24,
        keptSlices,
        1536,
        100,
        new Rates(1, 1, 1),
        SampleResult.Seconds.NONE,
        1,
        -1,
        1,
        1,
        1,
        1);
  }

  @Test
  void aQuestionIsAboutTheLesionThatDecidesIt() {
    int presence = 0;
    int single = 0;
    for (Sample s : samples) {
      PhantomTruth.Target t = truth.target(s.volume(), s.prompt());
      switch (s.category()) {
        case "presence" -> {
          assertEquals(s.gold().equals("A"), t != null, s.prompt());
          if (t != null) {
            assertTrue(s.prompt().contains(t.organ()), s.prompt());
            presence++;
          }
        }
        case "count" -> assertEquals(s.gold().equals("B"), t != null, s.prompt());
        default -> {
          assertNotNull(t, s.prompt());
          assertFalse(t.slices().isEmpty());
          assertTrue(t.diameterMm() >= 14 && t.diameterMm() <= 54);
          single++;
        }
      }
    }
    assertEquals(12, presence);
    assertEquals(24, single);
    assertNull(truth.target("phantom/999999", samples.getFirst().prompt()));
  }

  /** Twelve of the 24 slices are shown: their numbers are not the truth's. */
  @Test
  void ofASampleOfTheSlicesNothingIsSaidOfTheSlicesKept() {
    List<Integer> all = IntStream.range(0, 12).boxed().toList();
    List<SampleResult> results = new ArrayList<>();
    for (Sample s : samples) {
      TWO.forEach(setting -> results.add(result(setting, s, s.gold(), all)));
    }
    Run run = RunScenes.run("phantom", "M3D_test.json", 12, TWO, samples, results);
    Report report = Report.of(run, new Scorer(Meteor.withWordNet()), truth);
    List<String> groups = report.figures().categories(LesionFigures.KIND);
    List<String> known = List.of("typical", "small", "faint", "liver", "spleen", "left lung");
    assertTrue(groups.containsAll(known), groups.toString());
    assertEquals(List.of(), groups.stream().filter(g -> g.contains("slices")).toList());
    assertTrue(LesionsSection.lead(report).endsWith("not by the lesion's slices."));
  }

  @Test
  void rowsCountAnswersByKindOrganAndSlicesKept() {
    List<SampleResult> results = new ArrayList<>();
    Map<String, Integer> counts = new TreeMap<>();
    for (Sample s : samples) {
      PhantomTruth.Target t = truth.target(s.volume(), s.prompt());
      results.add(result(TWO.getFirst(), s, s.gold(), List.of(0)));
      boolean faint = t != null && t.kind().equals("faint");
      List<Integer> kept =
          t == null || t.organ().equals("liver")
              ? List.of()
              : t.organ().equals("spleen") ? t.slices() : List.of(t.slices().getLast());
      results.add(result(TWO.get(1), s, faint ? "none of them" : s.gold(), kept));
      if (t != null) {
        counts.merge(t.kind(), 1, Integer::sum);
        counts.merge(t.organ(), 1, Integer::sum);
        String left =
            t.organ().equals("liver")
                ? LesionFigures.NONE_KEPT
                : kept.size() == t.slices().size()
                    ? LesionFigures.ALL_KEPT
                    : LesionFigures.SOME_KEPT;
        counts.merge(left, 1, Integer::sum);
      }
    }
    var run = RunScenes.run(TWO, samples, results);
    Scores scores = new Scores(run, new Scorer(Meteor.withWordNet()));
    Figures figures = new Figures();
    LesionFigures.add(run, scores, figures, truth);
    assertTrue(counts.containsKey("faint"), counts.toString());
    for (String group : figures.categories(LesionFigures.KIND)) {
      Figures.Row paper = figures.row(TWO.get(1), LesionFigures.KIND, group);
      assertEquals(counts.getOrDefault(group, 0), (int) paper.get(Columns.SAMPLES), group);
    }
    Figures.Row faint = figures.row(TWO.get(1), LesionFigures.KIND, "faint");
    assertEquals(0, faint.get(Columns.QUALITY));
    assertEquals(faint.get(Columns.SAMPLES), faint.get(Columns.LOST));
    Figures.Row typical = figures.row(TWO.get(1), LesionFigures.KIND, "typical");
    assertEquals(1, typical.get(Columns.QUALITY));
    assertEquals(0, typical.get(Columns.LOST));
    Figures.Row off = figures.row(TWO.getFirst(), LesionFigures.KIND, "faint");
    assertEquals(1, off.get(Columns.QUALITY));
    assertFalse(off.has(Columns.LOST));
  }
}
