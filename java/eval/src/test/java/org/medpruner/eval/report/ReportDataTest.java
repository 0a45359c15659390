package org.medpruner.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.TestData;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.eval.benchmark.SampleVolume;
import org.medpruner.eval.phantom.PhantomBenchmark;

/** What a report takes from the data folder, which may have been moved or changed since. */
class ReportDataTest {
  private static final List<Setting> TWO = List.of(Setting.OFF, Setting.of(PruningPolicy.PAPER));

  @TempDir Path folder;

  private String page(EvaluationReport report) throws IOException {
    Path out = Files.createDirectories(folder.resolve("out"));
    return Files.readString(report.write(out));
  }

  /** A changed answer about a volume of three pictures; the run's own data folder is gone. */
  private Run runOnPictures(Path data) {
    for (int i = 0; i < 3; i++) {
      TestData.picture(data.resolve("ct/v0/" + i + ".png"), 16, 100 + i);
    }
    Sample s =
        new Sample("m3d-000000", "ct/v0", "Organ", Sample.Kind.OPEN, "Which?", "a", Map.of());
    String sha256 = SampleVolume.read(data, s, 85).sha256();
    return RunScenes.run(
        TWO,
        List.of(s),
        List.of(
            RunScenes.result(TWO.getFirst(), 0, s, "liver", 3, sha256),
            RunScenes.result(TWO.getLast(), 1, s, "spleen", 3, sha256)));
  }

  @Test
  void picturesComeFromWhereTheDataLieNow() throws IOException {
    Path data = folder.resolve("data");
    Run run = runOnPictures(data);
    assertTrue(page(EvaluationReport.of(run, data)).contains("<image "));
    assertFalse(page(EvaluationReport.of(run)).contains("<image "));
  }

  /** Of as many slices and the same size, so that only its bytes tell. */
  @Test
  void picturesOfAnotherVolumeAreNotShown() throws IOException {
    Path data = folder.resolve("data");
    Run run = runOnPictures(data);
    Path slice = data.resolve("ct/v0/1.png");
    long size = Files.size(slice);
    int level = 150;
    do {
      TestData.picture(slice, 16, level++);
    } while (Files.size(slice) != size && level < 256);
    assertEquals(size, Files.size(slice));
    String page = page(EvaluationReport.of(run, data));
    assertTrue(page.contains("Sample 1") && !page.contains("<image "));
  }

  /** The folder above the benchmark's may be named, and its lesions are known all the same. */
  @Test
  void lesionsAreFoundBesideTheAnnotations() throws IOException {
    Path data = folder.resolve("data");
    PhantomBenchmark.write(data.resolve("phantom"), 20, 3, (done, total) -> {});
    Benchmark.Loaded loaded = Benchmark.PHANTOM.load(data);
    String annotations = data.relativize(loaded.annotations().getFirst()).toString();
    assertEquals("phantom/M3D_test.json", annotations);
    List<SampleResult> results = new ArrayList<>();
    for (Sample s : loaded.samples()) {
      TWO.forEach(setting -> results.add(RunScenes.result(setting, 0, s, s.gold(), 24)));
    }
    Run run = RunScenes.run("phantom", annotations, 85, TWO, loaded.samples(), results);
    assertTrue(page(EvaluationReport.of(run, data)).contains("id=\"lesions\""));
    List<String> rows =
        Files.readAllLines(folder.resolve("out").resolve(EvaluationReport.CSV)).stream()
            .filter(l -> l.startsWith("off,") && l.contains(",lesion," + LesionFigures.ALL_KEPT))
            .toList();
    assertEquals(1, rows.size(), rows.toString());
    String known = ".*," + LesionFigures.ALL_KEPT + ",[1-9]\\d*,.*";
    assertTrue(rows.getFirst().matches(known), rows::toString);
  }
}
