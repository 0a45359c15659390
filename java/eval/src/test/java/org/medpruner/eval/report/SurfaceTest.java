package org.medpruner.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.report.RunScenes.THREE;
import static org.medpruner.eval.report.WrittenReport.elements;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class SurfaceTest {
  private WrittenReport report;

  @BeforeEach
  void report(@TempDir Path folder) {
    report = new WrittenReport(folder);
  }

  /** A setting that differs in a third option has its own table. */
  @Test
  void aTableOfGammaAndTauIsOfOnePolicy() throws Exception {
    List<Setting> settings = new ArrayList<>(List.of(Setting.OFF, THREE.get(2)));
    for (int gap : List.of(0, 2)) {
      for (double gamma : List.of(0.02, 0.05)) {
        for (double tau : List.of(0.5, 0.9)) {
          settings.add(
              new Setting(
                  "nucleus max-gap=" + gap + " gamma=" + gamma + " tau=" + tau,
                  "nucleus",
                  PruningPolicy.NUCLEUS.withMaxGapSlices(gap).withGamma(gamma).withTau(tau)));
        }
      }
    }
    List<Sample> samples = RunScenes.samples(20, Kind.CLOSED);
    List<SampleResult> results = new ArrayList<>();
    for (int k = 0; k < settings.size(); k++) {
      // The preset answers all, max-gap 0 half of them, max-gap 2 three quarters.
      int wrong = k < 2 ? 0 : k < 6 ? 10 : 5;
      for (int i = 0; i < 20; i++) {
        Sample s = samples.get(i);
        results.add(RunScenes.result(settings.get(k), k, s, RunScenes.answer(s, i < wrong), 24));
      }
    }
    Document page = report.page(RunScenes.run(settings, samples, results));
    List<Element> tables =
        elements(page, "table").stream()
            .filter(t -> t.getAttribute("class").contains("surface"))
            .toList();
    List<String> captions = new ArrayList<>();
    for (Element table : tables) {
      captions.add(table.getElementsByTagName("caption").item(0).getTextContent());
      String score = captions.getLast().endsWith("max-gap=0") ? "50.0" : "75.0";
      NodeList cells = table.getElementsByTagName("td");
      assertEquals(4, cells.getLength());
      for (int i = 0; i < 4; i++) {
        assertTrue(cells.item(i).getTextContent().startsWith(score + " / "), captions.getLast());
      }
    }
    assertEquals(
        List.of(
            "Accuracy of closed questions, preset nucleus max-gap=0",
            "Accuracy of closed questions, preset nucleus max-gap=2"),
        captions);
  }
}
