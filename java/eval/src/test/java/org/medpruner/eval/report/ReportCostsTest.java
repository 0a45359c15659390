package org.medpruner.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.report.RunScenes.THREE;
import static org.medpruner.eval.report.RunScenes.TWO;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningReport.Rates;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.w3c.dom.Document;

class ReportCostsTest {
  private WrittenReport report;

  @BeforeEach
  void report(@TempDir Path folder) {
    report = new WrittenReport(folder);
  }

  private static SampleResult costing(Setting setting, Sample s, double seconds, long bytes) {
    return new SampleResult(
        s.id(),
        setting.name(),
        "A",
        null,
        "stop-token",
        "ff",
        "x",
        List.of(),
        24,
        List.of(0),
        100,
        100,
        new Rates(1, 1, 1),
        new SampleResult.Seconds(0, seconds, 0, seconds, seconds),
        1,
        bytes,
        bytes,
        9,
        9,
        3);
  }

  /** Out of memory on what is large, which is what pruning is for, must not look cheap. */
  @Test
  void costsAreComparedOverTheSameVolumes() throws Exception {
    List<Sample> samples = new ArrayList<>();
    List<SampleResult> results = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Sample s = RunScenes.sample(i, Kind.CLOSED, "A");
      samples.add(s);
      results.add(
          i < 2
              ? costing(THREE.getFirst(), s, 1, 1000)
              : SampleResult.failed(s.id(), "off", "CUDA out of memory", "ff"));
      results.add(costing(THREE.get(1), s, i < 2 ? 0.5 : 4, i < 2 ? 500 : 4000));
      // Nothing is known of what answered nothing, and the others are compared all the same.
      results.add(SampleResult.failed(s.id(), "nucleus", "CUDA out of memory", "ff"));
    }
    Document page = report.page(RunScenes.run(THREE, samples, results));
    Map<String, String> csv = report.csv();
    for (String column : List.of("encode_seconds", "prefill_seconds", "decode_seconds")) {
      assertEquals("1", csv.get("off|any|(all)|" + column));
      assertEquals("0.5", csv.get("paper|any|(all)|" + column));
      assertEquals("", csv.get("nucleus|any|(all)|" + column));
    }
    for (String column : List.of("kv_bytes", "peak_memory_bytes")) {
      assertEquals("1000", csv.get("off|any|(all)|" + column));
      assertEquals("500", csv.get("paper|any|(all)|" + column));
    }
    assertEquals("4", csv.get("paper|any|(all)|answered"));
    assertEquals("4", csv.get("paper|any|(all)|volumes"));
    String said = "cost is compared over the 2 samples that all of them answered, of 4.";
    assertTrue(page.getDocumentElement().getTextContent().contains(said));
    assertTrue(report.text(EvaluationReport.MARKDOWN).contains(said));

    // No sample in common: each setting's own, and a word that they are.
    List<SampleResult> apart =
        List.of(
            costing(THREE.getFirst(), samples.get(0), 1, 1000),
            costing(THREE.get(1), samples.get(1), 0.5, 500));
    Document other = report.page(RunScenes.run(TWO, samples, apart));
    assertEquals("0.5", report.csv().get("paper|any|(all)|encode_seconds"));
    String none = "No sample was answered under every setting";
    assertTrue(other.getDocumentElement().getTextContent().contains(none));
  }
}
