package org.medpruner.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.report.RunScenes.TWO;
import static org.medpruner.eval.report.WrittenReport.elements;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.volume.SliceImages;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

class EvaluationReportTest {
  private WrittenReport report;

  @BeforeEach
  void report(@TempDir Path folder) {
    report = new WrittenReport(folder);
  }

  @Test
  void everyNumberOfThePageIsTheCsvs() throws Exception {
    List<Setting> settings = RunScenes.settings(List.of(0.02, 0.05, 0.1), List.of(0.5, 0.7, 0.9));
    Run run =
        RunScenes.run(settings, RunScenes.samples(90, Kind.CLOSED, Kind.OPEN, Kind.REPORT), 12);
    Document page = report.page(run, s -> RunScenes.pictures(12, 48));
    Map<String, String> csv = report.csv();
    List<Element> figures = elements(page, "data");
    assertTrue(figures.size() > 11 * 60, figures.size() + " figures");
    Set<String> columns = new HashSet<>();
    for (Element e : figures) {
      String at = e.getAttribute("data-at");
      String value = csv.get(at);
      assertEquals(e.getAttribute("value"), value, at);
      String column = at.substring(at.lastIndexOf('|') + 1);
      columns.add(column);
      assertEquals(Columns.text(column, Double.parseDouble(value)), e.getTextContent(), at);
    }
    assertTrue(
        columns.containsAll(
            List.of(
                Columns.QUALITY,
                Columns.QUALITY_LOW,
                Columns.DIFFERENCE,
                Columns.P_VOLUMES,
                Columns.SLICE_RATE,
                Columns.TOKEN_RATE,
                Columns.OVERALL_RATE,
                Columns.ENCODE,
                Columns.PREFILL,
                Columns.DECODE,
                Columns.PEAK,
                Columns.KV,
                Columns.EMPTY,
                Columns.CUT,
                Columns.FAILED,
                "strict_meteor",
                "reference_bleu_3")),
        columns.toString());
    for (Element cell : elements(page, "td")) {
      // Outside of figures a cell holds at most its row's number.
      boolean figure = cell.getElementsByTagName("data").getLength() > 0;
      assertTrue(
          figure || cell.getTextContent().matches("\\d{1,2}|\\u2013|"), cell.getTextContent());
    }
    assertEquals(
        3,
        elements(page, "section").stream()
            .filter(e -> e.getAttribute("id").matches("curve|surface|tasks"))
            .count());
  }

  @Test
  void everyColumnOfTheSettingsHasItsHeading() throws Exception {
    List<Sample> samples = RunScenes.samples(12, Kind.CLOSED, Kind.OPEN, Kind.REPORT);
    Document page = report.page(RunScenes.run(TWO, samples, 4));
    Element table =
        elements(page, "table").stream()
            .filter(t -> t.getAttribute("class").equals("num settings"))
            .findFirst()
            .orElseThrow();
    NodeList lines = table.getElementsByTagName("tr");
    assertEquals(2 + TWO.size(), lines.getLength());
    List<Element> groups = cells(lines.item(0));
    List<String> names = cells(lines.item(1)).stream().map(Element::getTextContent).toList();
    assertEquals(
        names.size(),
        groups.stream().mapToInt(g -> Integer.parseInt(g.getAttribute("colspan"))).sum());
    for (int i = 2; i < lines.getLength(); i++) {
      List<Element> row = cells(lines.item(i));
      assertEquals(names.size(), row.size());
      for (String name : List.of("empty", "cut", "failed")) {
        Node figure = row.get(names.indexOf(name)).getElementsByTagName("data").item(0);
        String at = ((Element) figure).getAttribute("data-at");
        assertTrue(at.endsWith("|" + name), at);
      }
    }
  }

  private static List<Element> cells(Node line) {
    List<Element> all = new ArrayList<>();
    for (Node n = line.getFirstChild(); n != null; n = n.getNextSibling()) {
      if (n instanceof Element e) {
        all.add(e);
      }
    }
    return all;
  }

  /** Volumes with different numbers of questions, so that means over samples are other figures. */
  @Test
  void theTableForTerminalsHasTheReportsFigures() throws Exception {
    String name = "nucleus gamma=0.0123456 tau=0.95 max-gap=12 score=softmax";
    List<Setting> settings =
        List.of(Setting.OFF, new Setting(name, "nucleus", PruningPolicy.NUCLEUS));
    List<Sample> samples = RunScenes.samples(7, Kind.CLOSED, Kind.OPEN);
    List<SampleResult> results = new ArrayList<>();
    for (Setting s : settings) {
      for (int i = 0; i < samples.size(); i++) {
        int k = s.equals(Setting.OFF) ? 0 : 1 + i / 4;
        Sample q = samples.get(i);
        results.add(RunScenes.result(s, k, q, RunScenes.answer(q, i == 2), 10));
      }
    }
    Run run = RunScenes.run(settings, samples, results);
    report.page(run);
    Map<String, String> csv = report.csv();
    List<String> lines = EvaluationReport.of(run).table().lines().toList();
    assertEquals(3, lines.size());
    assertTrue(lines.stream().allMatch(l -> l.length() == lines.getFirst().length()));
    List<String> columns = List.of("slice_rate", "token_rate", "overall_rate", "encode_seconds");
    for (int i = 0; i < settings.size(); i++) {
      String setting = settings.get(i).name();
      List<String> cells = List.of(lines.get(i + 1).split("\\s{2,}"));
      assertEquals(setting, cells.getFirst());
      assertEquals(12, cells.size(), cells.toString());
      assertEquals(List.of("7", "0", "75.0 %"), cells.subList(1, 4));
      for (int c = 0; c < columns.size(); c++) {
        String value = String.valueOf(csv.get(setting + "|any|(all)|" + columns.get(c)));
        assertEquals(
            Columns.text(columns.get(c), Double.parseDouble(value)),
            cells.get(5 + c),
            columns.get(c));
      }
    }
    Run none = RunScenes.run(settings, RunScenes.samples(2, Kind.OPEN), List.of());
    String empty = EvaluationReport.of(none).table();
    assertEquals(
        List.of("off", "0", "0", "-", "-", "-", "-", "-", "-", "-", "-", "-"),
        List.of(empty.lines().toList().get(1).split("\\s{2,}")));
  }

  @Test
  void figuresAreThoseOfTheAnswers() throws Exception {
    List<Sample> samples = RunScenes.samples(8, Kind.CLOSED);
    List<SampleResult> results = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Sample s = samples.get(i);
      // off: 6 of 8 right; paper: 4 of 8, of which 1 was wrong before, and one without an answer.
      results.add(RunScenes.result(TWO.getFirst(), 0, s, RunScenes.answer(s, i >= 6), 10));
      results.add(
          i == 5
              ? SampleResult.failed(s.id(), "paper", "out of memory", "")
              : RunScenes.result(TWO.get(1), 1, s, RunScenes.answer(s, i < 3), 10));
    }
    Document page = report.page(RunScenes.run(TWO, samples, results));
    Map<String, String> csv = report.csv();
    assertEquals("0.75", csv.get("off|closed|(all)|quality"));
    assertEquals("0.571429", csv.get("paper|closed|(all)|quality"));
    assertEquals("7", csv.get("paper|closed|(all)|paired"));
    assertEquals("3", csv.get("paper|closed|(all)|lost"));
    assertEquals("2", csv.get("paper|closed|(all)|gained"));
    assertEquals("5", csv.get("paper|closed|(all)|changed"));
    assertEquals("1", csv.get("paper|closed|(all)|p_mcnemar"));
    assertEquals("-0.142857", csv.get("paper|closed|(all)|difference"));
    assertEquals("", csv.get("off|closed|(all)|difference"));
    assertEquals("1", csv.get("paper|any|(all)|failed"));
    assertEquals("0.5", csv.get("paper|any|(all)|slice_rate"));
    assertEquals("0.25", csv.get("paper|any|(all)|overall_rate"));
    assertEquals("0.6", csv.get("paper|any|(all)|encode_seconds"));
    assertEquals("2", csv.get("paper|any|(all)|volumes"));
    assertEquals(Long.toString(501L << 20), csv.get("paper|any|(all)|peak_memory_bytes"));
    assertTrue(page.getDocumentElement().getTextContent().contains("1 results have no answer"));
    String md = report.text(EvaluationReport.MARKDOWN);
    assertTrue(md.contains("| paper | 57.1"), md);
    assertTrue(md.contains("| off | 75.0"), md);
    assertEquals(5, elements(page, "article").size());
  }

  private static SampleResult shown(
      int k, Sample s, String ending, String recipe, String... warnings) {
    return RunScenes.result(TWO.get(k), k, s, "A. Yes", 10, "ff", ending, recipe, warnings);
  }

  @Test
  void cutAnswersAreCounted() throws Exception {
    List<Sample> samples = RunScenes.samples(4, Kind.CLOSED);
    List<SampleResult> results = new ArrayList<>();
    for (int k = 0; k < 2; k++) {
      for (int i = 0; i < 4; i++) {
        String ending = i < 2 + k ? "length" : i == 3 ? "stop-string" : "stop-token";
        results.add(shown(k, samples.get(i), ending, "window [0,1]"));
      }
    }
    Document page = report.page(RunScenes.run(TWO, samples, results));
    Map<String, String> csv = report.csv();
    assertEquals("2", csv.get("off|any|(all)|cut"));
    assertEquals("3", csv.get("paper|any|(all)|cut"));
    String said = "5 answers were cut at their length limit";
    assertTrue(page.getDocumentElement().getTextContent().contains(said));
    String md = report.text(EvaluationReport.MARKDOWN);
    assertTrue(md.contains("**" + said), md);
    assertTrue(md.contains("| empty | cut | failed |"), md);
    assertTrue(
        md.lines().anyMatch(l -> l.startsWith("| paper |") && l.endsWith("| 0 | 3 | 0 |")), md);
  }

  /** Once for each volume, however many questions and settings there are of it. */
  @Test
  void howVolumesWereShownIsSaidWhereItMatters() throws Exception {
    List<Sample> samples = RunScenes.samples(12, Kind.CLOSED);
    String ct = "CT windows [-1024,1024] [-135,215] [0,80] (detected CT: values -1024 to ";
    String order =
        "slices are in byte order of their names, so DOE, J: 10.png comes before DOE, J: 9.png;"
            + " pad the numbers";
    List<SampleResult> results = new ArrayList<>();
    for (int k = 0; k < 2; k++) {
      for (int i = 0; i < 12; i++) {
        Sample s = samples.get(i);
        results.add(
            i < 4
                ? shown(k, s, "stop-token", ct + "3000)", order, "another")
                : i < 8
                    ? shown(k, s, "stop-token", ct + "900)", "DOE: 1.PNG: no alpha")
                    : shown(k, s, "stop-token", "MRI min-max over the volume (detected MRI: x)"));
      }
    }
    String mixed =
        "The model was shown volumes by different recipes: 2 by CT windows [-1024,1024] [-135,215]"
            + " [0,80], 1 by MRI min-max over the volume.";
    String mri = "1 of 3 volumes were shown as MRI, though the benchmark holds CT alone";
    for (String benchmark : List.of("amos", "3drad", "m3d")) {
      Run run = RunScenes.run(benchmark, "x.json", 85, TWO, samples, results);
      String said = report.page(run).getDocumentElement().getTextContent();
      assertTrue(said.contains(mixed), said);
      assertEquals(!benchmark.equals("m3d"), said.contains(mri), benchmark);
      assertTrue(
          said.contains(
              "2 volumes were read with warnings (results.jsonl has them), the first: slices are"
                  + " in byte order of their names; pad the numbers."),
          said);
      for (String file : WrittenReport.FILES) {
        assertFalse(report.text(file).contains("DOE"), file);
      }
    }
    List<SampleResult> second = results.stream().filter(r -> r.recipe().endsWith("900)")).toList();
    Run run = RunScenes.run("amos", "x.json", 85, TWO, samples, second);
    String said = report.page(run).getDocumentElement().getTextContent();
    assertTrue(said.contains("the first: a picture: no alpha."), said);
    assertFalse(said.contains("recipes") || said.contains("MRI"), said);
  }

  @Test
  void markdownHasEveryMetricOfBothVariants() throws Exception {
    Run run = RunScenes.run(TWO, RunScenes.samples(30, Kind.CLOSED, Kind.OPEN, Kind.REPORT), 8);
    Document page = report.page(run);
    Map<String, String> csv = report.csv();
    List<String> md = report.text(EvaluationReport.MARKDOWN).lines().toList();
    List<Element> tables =
        elements(page, "caption").stream()
            .filter(c -> c.getTextContent().matches("(Strict|Reference), .*"))
            .toList();
    assertEquals(6, tables.size());
    for (Element caption : tables) {
      int at = md.indexOf("### " + caption.getTextContent());
      assertTrue(at >= 0, caption.getTextContent());
      List<String> shown = new ArrayList<>();
      NodeList figures = ((Element) caption.getParentNode()).getElementsByTagName("data");
      for (int i = 0; i < figures.getLength(); i++) {
        shown.add(figures.item(i).getTextContent());
      }
      List<String> written = new ArrayList<>();
      for (String line : md.subList(at + 4, at + 6)) {
        List<String> cells = List.of(line.split(" *\\| *"));
        written.addAll(cells.subList(2, cells.size()));
      }
      assertEquals(shown, written, caption.getTextContent());
    }
    String reference = String.valueOf(csv.get("paper|closed|(all)|reference_accuracy"));
    int at = md.indexOf("### Reference, closed questions");
    assertEquals(
        "| paper | " + Columns.text("reference_", Double.parseDouble(reference)) + " |",
        md.get(at + 5));
  }

  @Test
  void changedAnswersShowEverySettingsSlicesBesideThoseOfOff() throws Exception {
    List<Setting> settings = RunScenes.settings(List.of(0.05), List.of(0.9));
    Run run = RunScenes.run(settings, RunScenes.samples(40, Kind.CLOSED), 12);
    Document page = report.page(run, s -> RunScenes.pictures(12, 48));
    List<Element> questions = elements(page, "article");
    assertFalse(questions.isEmpty());
    List<String> images =
        elements(page, "image").stream().map(e -> "#" + e.getAttribute("id")).toList();
    for (Element q : questions) {
      NodeList uses = q.getElementsByTagName("use");
      assertTrue(uses.getLength() >= 2, "off and another");
      assertTrue(images.contains(((Element) uses.item(0)).getAttribute("href")));
      assertTrue(q.getTextContent().contains("off: 12 of 12 slices, 100 % of the tokens"));
      assertTrue(q.getTextContent().contains("gold"));
    }
    for (Element svg : elements(page, "svg")) {
      boolean described = !svg.getAttribute("aria-label").isEmpty();
      assertTrue(
          described || svg.getAttribute("aria-hidden").equals("true"), "svg without a label");
    }
    // The first lost what off had right.
    assertTrue(questions.getFirst().getTextContent().contains("\u2717 wrong"));
  }

  @Test
  void textsFromOutsideAreEscapedAndPatientsNotNamed() throws Exception {
    String evil =
        "\"'><script>alert(1)</script>&amp;\u0000\uD800 <img src=x onerror=y>]]> | `x` [a](b)";
    Sample s =
        new Sample(
            "3drad-" + RunScenes.PATIENT + "/a-000001",
            "ct/" + RunScenes.PATIENT,
            evil,
            Kind.OPEN,
            evil,
            evil,
            Map.of("A", evil));
    Setting other = new Setting("paper " + evil, evil, PruningPolicy.PAPER);
    List<Setting> settings = List.of(Setting.OFF, other);
    Run run =
        RunScenes.run(
            settings,
            List.of(s),
            List.of(
                RunScenes.result(Setting.OFF, 0, s, evil, 3),
                RunScenes.result(other, 1, s, "another " + evil, 3)));
    Document page = report.page(run, x -> RunScenes.pictures(3, 16));
    assertEquals(1, elements(page, "script").size());
    Element changed = elements(page, "article").getFirst();
    assertEquals("q-1", changed.getAttribute("id"));
    assertTrue(changed.getTextContent().startsWith("Sample 1 \u00b7 "), changed.getTextContent());
    assertTrue(elements(page, "img").isEmpty());
    for (String file : WrittenReport.FILES) {
      assertFalse(report.text(file).contains("DOE"), file);
    }
    assertFalse(report.text(EvaluationReport.PAGE).contains("<script>alert"));
    assertFalse(report.text(EvaluationReport.MARKDOWN).replace("\\<", "").contains("<script"));
    assertTrue(
        report.csv().containsKey("paper " + evil.replace('\uD800', '?') + "|open|(all)|quality"));
    String html = report.text(EvaluationReport.PAGE);
    assertFalse(html.contains("http:") || html.contains("https:"), "an external address");
    for (Element e : elements(page, "*")) {
      for (int i = 0; i < e.getAttributes().getLength(); i++) {
        assertFalse(e.getAttributes().item(i).getNodeName().startsWith("on"), "a script attribute");
      }
    }
  }

  @Test
  void hundredsOfSamplesOf25SettingsStaySmall() throws Exception {
    List<Setting> settings =
        new ArrayList<>(
            RunScenes.settings(List.of(0.01, 0.02, 0.05, 0.1, 0.2), List.of(0.5, 0.7, 0.9, 0.95)));
    settings.addAll(
        Stream.of(0.3, 0.4, 0.5)
            .map(g -> new Setting("paper gamma=" + g, "paper", PruningPolicy.PAPER.withGamma(g)))
            .toList());
    assertEquals(25, settings.size());
    Run run = RunScenes.run(settings, RunScenes.samples(400, Kind.CLOSED, Kind.OPEN), 85);
    SliceImages pictures = RunScenes.pictures(85, 128);
    Document page = report.page(run, s -> pictures);
    long bytes = Files.size(report.folder().resolve(EvaluationReport.PAGE));
    assertTrue(bytes < 6_000_000, bytes + " bytes");
    assertEquals(ChangesSection.MOST, elements(page, "article").size());
    assertTrue(elements(page, "image").size() <= ChangesSection.MOST_WITH_PICTURES);
    assertTrue(elements(page, "image").size() >= 6, elements(page, "image").size() + " sheets");
    assertEveryChangeIsListed(run, page);
  }

  /** As many lines for each setting as results.csv counts, the page's samples in its order. */
  private void assertEveryChangeIsListed(Run run, Document page) {
    Map<String, String> csv = report.csv();
    Map<String, Integer> changed = new HashMap<>();
    List<String> order = new ArrayList<>();
    for (CSVRecord r : report.changes()) {
      changed.merge(r.get("setting") + "|" + r.get("kind"), 1, Integer::sum);
      Sample s = run.samples().get(Integer.parseInt(r.get("sample")) - 1);
      Setting setting =
          run.settings().stream()
              .filter(x -> x.name().equals(r.get("setting")))
              .findFirst()
              .orElseThrow();
      SampleResult result = run.result(setting, s.id());
      assertNotNull(result);
      assertEquals(s.prompt(), r.get("question"));
      assertEquals(result.answer(), r.get("answer"));
      String kept = result.keptSlices().toString().replaceAll("[\\[\\],]", "");
      assertEquals(kept, r.get("slices"));
      String id = "q-" + r.get("sample");
      if (!order.contains(id)) {
        order.add(id);
      }
    }
    assertTrue(order.size() > ChangesSection.MOST, order.size() + " samples changed");
    assertEquals(
        elements(page, "article").stream().map(e -> e.getAttribute("id")).toList(),
        order.subList(0, ChangesSection.MOST));
    for (Setting s : run.settings().subList(1, run.settings().size())) {
      for (String kind : List.of("closed", "open")) {
        String count = csv.get(s.name() + "|" + kind + "|(all)|" + Columns.CHANGED);
        int lines = changed.getOrDefault(s.name() + "|" + kind, 0);
        assertEquals(count, Integer.toString(lines), s.name() + " " + kind);
      }
    }
  }

  @Test
  void runsThatAreShortUnfinishedOrWithoutPicturesHaveAReport() throws Exception {
    List<Sample> samples = RunScenes.samples(3, Kind.REPORT);
    Document one =
        report.page(
            RunScenes.run(TWO.subList(0, 1), samples, 4),
            s -> {
              throw new IllegalStateException();
            });
    assertTrue(one.getDocumentElement().getTextContent().contains("nothing to compare with"));
    Document none = report.page(RunScenes.run(TWO, samples, List.of()));
    assertTrue(
        none.getDocumentElement().getTextContent().contains("The run is not finished: 0 of 6"));
    List<SampleResult> half =
        List.of(
            RunScenes.result(Setting.OFF, 0, samples.getFirst(), "Findings: mass.", 4),
            RunScenes.result(TWO.get(1), 1, samples.getFirst(), "", 4));
    Document part = report.page(RunScenes.run(TWO, samples, half), s -> RunScenes.pictures(5, 16));
    assertTrue(elements(part, "image").isEmpty(), "five slices of a run that saw four");
    assertTrue(part.getDocumentElement().getTextContent().contains("(empty)"));
    Map<String, String> csv = report.csv();
    assertEquals("1", csv.get("paper|any|(all)|empty"));
    assertEquals("", csv.get("paper|report|(all)|quality"));
    assertEquals("0", csv.get("paper|report|(all)|reference_rouge_l"));
  }

  @Test
  void equalRunsGiveEqualFilesAndAFailedWriteLeavesNone() throws Exception {
    Run run = RunScenes.run(TWO, RunScenes.samples(20, Kind.CLOSED), 6);
    report.page(run);
    Map<String, String> before = new HashMap<>();
    for (String f : WrittenReport.FILES) {
      before.put(f, report.text(f));
    }
    report.page(run);
    for (Map.Entry<String, String> e : before.entrySet()) {
      assertEquals(e.getValue(), report.text(e.getKey()), e.getKey());
    }
    try (Stream<Path> files = Files.list(report.folder())) {
      assertEquals(WrittenReport.FILES.size(), files.count(), "a temporary file was left");
    }
    Path missing = report.folder().resolve("no/such");
    InputException refused =
        assertThrows(
            InputException.class,
            () -> EvaluationReport.of(run).write(missing, WrittenReport::blank));
    assertNotNull(refused.getMessage());
    assertTrue(refused.getMessage().contains("choose another folder"));
    assertFalse(Files.exists(missing));
  }
}
