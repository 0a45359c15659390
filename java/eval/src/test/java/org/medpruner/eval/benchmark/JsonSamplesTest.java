package org.medpruner.eval.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.TestData.entry;
import static org.medpruner.eval.TestData.json;
import static org.medpruner.eval.TestData.refusal;
import static org.medpruner.eval.TestData.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;

/** The JSON lists of the published evaluation. */
class JsonSamplesTest {
  @TempDir Path data;

  @BeforeEach
  void folders() throws Exception {
    Files.createDirectories(data.resolve("Amos/amos_test_crop_32/amos_0034"));
    Files.createDirectories(data.resolve("M3D/ct_quizze/008799/Axial_C__arterial_phase"));
    Files.createDirectories(data.resolve("3DRad/valid_crop/valid_1000_a_1"));
  }

  @Test
  void amosWritesReports() {
    json(
        data.resolve("Amos/amos_val_mrg_sft.json"),
        entry(
            "amos_test_crop_32/amos_0034",
            "<video>\\nanything at all",
            "Findings: no. Impression: none.",
            ""));
    Sample s = Benchmark.AMOS.load(data).samples().getFirst();
    assertEquals(
        new Sample(
            "amos-000000",
            "Amos/amos_test_crop_32/amos_0034",
            "amos",
            Kind.REPORT,
            "You are a helpful assistant. Please generate a report for the given images, including"
                + " both findings and impressions. Return the report in the following format:"
                + " Findings: {} Impression: {}.",
            "Findings: no. Impression: none.",
            Map.of()),
        s);
    // The folder itself may be named, too.
    assertEquals(
        "amos_test_crop_32/amos_0034",
        Benchmark.AMOS.load(data.resolve("Amos")).samples().getFirst().volume());
  }

  @Test
  void m3dHasClosedAndOpenQuestions() {
    String volume = "M3D/ct_quizze/008799/Axial_C__arterial_phase/";
    Path file =
        json(
            data.resolve("M3D/M3D_test.json"),
            entry(
                volume,
                "<image>\\nWhich plane?\\nA.axial\\nB.coronal\\nC.sagittal",
                "A",
                ", \"Question_Type\": \"CLOSED \", \"type\": 1"),
            entry(
                volume,
                "<video>\\n Which organ is enlarged? ",
                "the liver",
                ", \"Question_Type\": \"OPEN\", \"type\": \"3\""),
            entry(volume, "What is it?", "a mass", ", \"type\": 5"));
    Benchmark.Loaded loaded = Benchmark.M3D.load(data);
    assertEquals(List.of(file), loaded.annotations());
    Sample closed = loaded.samples().get(0);
    assertEquals("m3d-000000", closed.id());
    // Named from the folder above the file's; a slash at the end changes nothing.
    assertEquals("M3D/ct_quizze/008799/Axial_C__arterial_phase", closed.volume());
    assertEquals("Plane", closed.category());
    assertEquals(Kind.CLOSED, closed.kind());
    assertEquals(
        "Which plane?\nA.axial\nB.coronal\nC.sagittal\n"
            + "Answer with the option's letter from the given choices directly.",
        closed.prompt());
    assertEquals(Map.of("A", "axial", "B", "coronal", "C", "sagittal"), closed.choices());
    Sample open = loaded.samples().get(1);
    assertEquals(Kind.OPEN, open.kind());
    assertEquals("Which organ is enlarged?\nPlease answer the question concisely.", open.prompt());
    assertEquals("Organ", open.category());
    assertEquals(Map.of(), open.choices());
    // Without a type a question is open.
    assertEquals(Kind.OPEN, loaded.samples().get(2).kind());
    assertEquals("Location", loaded.samples().get(2).category());
  }

  @Test
  void rad3dKeepsItsLabels() {
    json(
        data.resolve("3DRad/Rad3D_test.json"),
        entry(
            "valid_crop/valid_1000_a_1",
            "Is there material?\\nA.Yes\\nB.No",
            "B.No",
            ", \"Question_Type\": \"close\", \"type\": \"Image_Quality\""));
    Sample s = Benchmark.RAD3D.load(data).samples().getFirst();
    assertEquals("3drad-000000", s.id());
    assertEquals("Image_Quality", s.category());
    assertEquals("B.No", s.gold());
    assertEquals(Map.of("A", "Yes", "B", "No"), s.choices());
    assertEquals("3DRad/valid_crop/valid_1000_a_1", s.volume());
  }

  @Test
  void phantomsAreAskedWithoutASuffix() {
    json(
        data.resolve("M3D_test.json"),
        entry(
            "phantom/000000",
            "<video>\\nHow many lesions are there? Choices: A. 0 B. 1",
            "B",
            ", \"Question_Type\": \"CLOSE\", \"type\": \"4\", \"sub-type\": \"count\""));
    Sample s = Benchmark.PHANTOM.load(data).samples().getFirst();
    assertEquals("How many lesions are there? Choices: A. 0 B. 1", s.prompt());
    assertEquals("count", s.category());
    assertEquals(Map.of("A", "0", "B", "1"), s.choices());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nonsense|not valid JSON",
        "{}|not a JSON list",
        "[]|holds no sample",
        "[{\"conversations\": []}]|entry 0 (from 0): video[0]: is missing",
        "[{\"video\": [\"v\"], \"conversations\": [{\"value\": \"q\"}]}]|conversations[1].value",
        "[{\"video\": [\"v\"], \"conversations\": [{\"value\": \"q\"}, {\"value\": \"a\"}],"
            + " \"Question_Type\": \"MAYBE\"}]|neither open nor close",
        "[{\"video\": [\"v\"], \"conversations\": [{\"value\": \"q\"}, {\"value\": \"a\"}],"
            + " \"type\": 6}]|not 1 to 5",
      })
  void damagedFilesAreSaid(String content, String problem) {
    text(data.resolve("M3D/M3D_test.json"), content);
    String message = refusal(() -> Benchmark.M3D.load(data));
    assertTrue(message.contains("M3D_test.json: ") && message.contains(problem), message);
  }

  /** One bad sample, not a bad file: the run says so of it alone. */
  @Test
  void emptyQuestionsAndAnswersStayEmpty() {
    String volume = "M3D/ct_quizze/008799/Axial_C__arterial_phase";
    json(
        data.resolve("M3D/M3D_test.json"),
        entry(volume, "<video>\\n", "a", ""),
        entry(volume, "Q", " ", ""));
    List<Sample> samples = Benchmark.M3D.load(data).samples();
    assertEquals(List.of("", "a"), List.of(samples.get(0).prompt(), samples.get(0).gold()));
    assertEquals("", samples.get(1).gold());
  }

  /** Of each field one that is odd, between entries that are not. */
  @Test
  void aBadEntryIsOneBadSample() {
    String volume = "M3D/ct_quizze/008799/Axial_C__arterial_phase";
    json(
        data.resolve("M3D/M3D_test.json"),
        entry(volume, "Q", "a", ""),
        entry("", "Q", "a", ""),
        entry("a\\u0000b", "Q", "a", ""),
        entry(volume, "Q", "a", ", \"Question_Type\": \"MAY\\nBE\""),
        entry(volume, "Q", "a", ", \"type\": 6"),
        "{\"video\": [\"v\"], \"conversations\": [{\"value\": \"q\"}]}",
        "null",
        entry(volume, "R", "b", ""));
    List<Sample> samples = Benchmark.M3D.load(data).samples();
    assertEquals(
        List.of(
            "",
            "video[0]: is empty",
            "video[0]: is not a path",
            "Question_Type: \"may?be\" is neither open nor close",
            "type: 6 is not 1 to 5",
            "conversations[1].value: is missing",
            "video[0]: is missing",
            ""),
        samples.stream()
            .map(s -> s.problem().replaceFirst("M3D/M3D_test.json: entry \\d \\(from 0\\): ", ""))
            .toList());
    assertEquals(
        List.of("Q", "R"),
        samples.stream()
            .map(Sample::prompt)
            .filter(q -> !q.isEmpty())
            .map(q -> q.substring(0, 1))
            .toList());
    // A volume that is not there: "" would be the whole data folder.
    Sample bad = samples.get(1);
    assertEquals(
        new Sample(
            "m3d-000001",
            "m3d-000001",
            "m3d",
            Kind.OPEN,
            "",
            "",
            Map.of(),
            "M3D/M3D_test.json: entry 1 (from 0): video[0]: is empty"),
        bad);
    assertEquals(
        List.of("m3d-000007", volume), List.of(samples.get(7).id(), samples.get(7).volume()));
  }

  @Test
  void foldersWithoutABenchmarkAreSaid() {
    assertTrue(refusal(() -> Benchmark.AMOS.load(data)).contains("holds no amos_val_mrg_sft.json"));
    assertTrue(
        refusal(() -> Benchmark.AMOS.load(data.resolve("nothing"))).contains("no such folder"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Q?\\nA.Yes\\nB.No|A=Yes,B=No",
        "Which organ? Choices: A. left lung B. right lung C. liver D. spleen"
            + "|A=left lung,B=right lung,C=liver,D=spleen",
        "Is it B. subtilis?|",
        "Vitamin A. and D. levels?|",
        "What?\\nA) one\\nB) two B. cells|A=one,B=two B. cells",
        "Type A. Stanford?\\nA.Yes\\nB.No|A=Yes,B=No",
        "Vitamin A. B. C?\\r\\n A.Yes\\r\\n B.No\\r\\n|A=Yes,B=No",
        "Is type A. x? Choices: A. one B. two|A=one,B=two",
        "Is it type A. or not? A. yes B. no|A=yes,B=no",
        "Which? A. type A. B. type B.|A=type A.,B=type B.",
        "Which phase?\\na.arterial\\nb.venous|A=arterial,B=venous",
        "Which?\\n(A) one\\n(B) two|A=one,B=two",
      })
  void choicesStandInTheQuestion(String question, String expected) {
    StringBuilder got = new StringBuilder();
    Choices.in(question.replace("\\n", "\n").replace("\\r", "\r"))
        .forEach((k, v) -> got.append(got.isEmpty() ? "" : ",").append(k).append('=').append(v));
    assertEquals(expected == null ? "" : expected, got.toString());
  }
}
