package org.medpruner.eval.benchmark;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.TestData.refusal;
import static org.medpruner.eval.TestData.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.TestData;

/** The CSVs that 3D-RAD and M3D-VQA publish themselves. */
class CsvSamplesTest {
  private static final String RAD_HEADER =
      "Task,Subtask,VolumeName,Question,Answer,QuestionType,AnswerChoice,"
          + "Choice A,Choice B,Choice C,Choice D\n";

  private static final String RAD_ROW = "4,2,v.npy,Q,No,Close,B,Yes,No,-,-\n";

  private static final String M3D_HEADER =
      "Image Path,Question,Answer,Question Type,Answer Choice,"
          + "Choice A,Choice B,Choice C,Choice D\n";

  @TempDir Path data;

  @Test
  void rad3dPutsTheChoicesBehindTheQuestion() {
    Path first =
        text(
            data.resolve("3DRAD/test/Task4_Existence_Detection/Lung nodule.csv"),
            RAD_HEADER
                + "4,2,test_1000_a_1.nii.gz,Does the CT show a nodule?,No,Close,B,Yes,No,-,-\n");
    Path second =
        text(
            data.resolve("3DRAD/test/Task3_Medical_Computation/Size.csv"),
            RAD_HEADER
                + "3,1,test_2_b_1.nii.gz,\"In \"\"mm\"\", how large\nis it?\",\"4, about\",Open,"
                + ",-,-,-,-\n");
    text(data.resolve("3DRAD/train/Task3_Medical_Computation/Size.csv"), RAD_HEADER + "x\n");
    text(data.resolve("volumes.csv"), "VolumeName,Path\ntest_2_b_1.nii.gz,/somewhere\n");
    // As CT-RATE nests them, and as the copy on the Hub stores them.
    TestData.nifti(data.resolve("valid/test_1000/test_1000_a/test_1000_a_1.nii.gz"), 2, 1, 2);
    TestData.npy(data.resolve("npy/test_2_b_1.npy"), "(1, 1, 2)", 0, 1);
    Benchmark.Loaded loaded = Benchmark.RAD3D.load(data);
    assertEquals(List.of(second, first), loaded.annotations());
    Sample open = loaded.samples().get(0);
    assertEquals("3drad-3DRAD/test/Task3_Medical_Computation/Size-000001", open.id());
    assertEquals("npy/test_2_b_1.npy", open.volume());
    assertEquals("Medical Computation", open.category());
    assertEquals(Kind.OPEN, open.kind());
    assertEquals("4, about", open.gold());
    assertEquals(
        "In \"mm\", how large\nis it?\nPlease answer the question concisely.", open.prompt());
    Sample closed = loaded.samples().get(1);
    assertEquals(
        new Sample(
            "3drad-3DRAD/test/Task4_Existence_Detection/Lung nodule-000001",
            "valid/test_1000/test_1000_a/test_1000_a_1.nii.gz",
            "Existence Detection",
            Kind.CLOSED,
            "Does the CT show a nodule?\nA.Yes\nB.No\n"
                + "Answer with the option's letter from the given choices directly.",
            "B",
            Map.of("A", "Yes", "B", "No")),
        closed);
  }

  @Test
  void m3dAsksEveryQuestionTwice() {
    text(
        data.resolve("M3D_VQA_test.csv"),
        M3D_HEADER
            + "ct_quizze/000005/Axial_C.npy,Which phase?,arterial,2,C,plain,venous,arterial,late\n"
            + "ct_quizze/000006/Axial_C.npy,Which plane?,axial,1,A,axial,coronal,-,-\n");
    text(data.resolve("M3D_VQA_train.csv"), M3D_HEADER + "x,y,z,1,A,a,b,c,d\n");
    TestData.npy(data.resolve("M3D_Cap_npy/ct_quizze/000005/Axial_C.npy"), "(1, 1, 1)", 0);
    TestData.npy(data.resolve("M3D_Cap_npy/ct_quizze/000006/Axial_C.npy"), "(1, 1, 1)", 0);
    List<Sample> samples = Benchmark.M3D.load(data).samples();
    assertEquals(4, samples.size());
    Sample closed = samples.get(0);
    assertEquals("m3d-M3D_VQA_test-000001-closed", closed.id());
    assertEquals("M3D_Cap_npy/ct_quizze/000005/Axial_C.npy", closed.volume());
    assertEquals("M3D_Cap_npy/ct_quizze/000006/Axial_C.npy", samples.get(2).volume());
    assertEquals("Phase", closed.category());
    assertEquals("C", closed.gold());
    assertEquals(
        "Which phase? Choices: A. plain B. venous C. arterial D. late\n"
            + "Answer with the option's letter from the given choices directly.",
        closed.prompt());
    Sample open = samples.get(1);
    assertEquals("m3d-M3D_VQA_test-000001-open", open.id());
    assertEquals(Kind.OPEN, open.kind());
    assertEquals("arterial", open.gold());
    assertEquals("Which phase?\nPlease answer the question concisely.", open.prompt());
    assertEquals(Map.of("A", "axial", "B", "coronal"), samples.get(2).choices());
  }

  @Test
  void whatIsMissingIsSaid() {
    String none = refusal(() -> Benchmark.RAD3D.load(data));
    assertTrue(none.contains("neither Rad3D_test.json nor a CSV with the columns"), none);
    text(data.resolve("a.csv"), RAD_HEADER + "4,2,,Q,No,Close,B,Yes,No,-,-\n");
    String empty = refusal(() -> Benchmark.RAD3D.load(data));
    assertTrue(empty.contains("a.csv: row 1: VolumeName is empty"), empty);
    text(data.resolve("a.csv"), RAD_HEADER + "4,2,v.nii.gz,Q,No,Perhaps,B,Yes,No,-,-\n");
    String type = refusal(() -> Benchmark.RAD3D.load(data));
    assertTrue(type.contains("\"perhaps\" is neither Open nor Close"), type);
  }

  @Test
  void aBadRowIsOneBadSample() {
    text(
        data.resolve("t/a.csv"),
        RAD_HEADER
            + "4,2,,Q,No,Close,B,Yes,No,-,-\n"
            + "4,2,v.npy,Q,No,Perhaps,B,Yes,No,-,-\n"
            + "4,2,v\0.npy,Q,No,Close,B,Yes,No,-,-\n"
            // What pandas refuses, too; the cells that Excel leaves empty shift nothing.
            + "1,1,v.npy,Q,Both lungs, and liver,Open,-,-,-,-,-\n"
            + "4,2,v.npy,Q,No,Close,B,Yes,No,-,-,,\n");
    List<Sample> samples = Benchmark.RAD3D.load(data).samples();
    assertEquals(
        new Sample(
            "3drad-t/a-000001",
            "3drad-t/a-000001",
            "3drad",
            Kind.OPEN,
            "",
            "",
            Map.of(),
            "t/a.csv: row 1: VolumeName is empty"),
        samples.get(0));
    assertEquals(
        List.of(
            "t/a.csv: row 2: QuestionType \"perhaps\" is neither Open nor Close",
            "t/a.csv: row 3: VolumeName is not a path",
            "t/a.csv: row 4: has 12 cells, the head has 11; quote what holds a comma",
            ""),
        samples.subList(1, 5).stream().map(Sample::problem).toList());
    assertEquals("B", samples.get(4).gold());
    assertEquals("3drad-t/a-000005", samples.get(4).id());
  }

  /** The shifted letter of M3D-VQA would be a choice's text, which nothing else refuses. */
  @Test
  void aShiftedRowIsNotAsked() {
    text(
        data.resolve("a.csv"),
        M3D_HEADER
            + "v.npy,Where?,Both lungs, and liver,5,A,both,left,right,none\n"
            + "v.npy,Q,axial,1,A,axial,coronal,-,-\n");
    List<Sample> samples = Benchmark.M3D.load(data).samples();
    assertEquals(
        List.of("m3d-a-000001", "m3d-a-000002-closed", "m3d-a-000002-open"),
        samples.stream().map(Sample::id).toList());
    assertEquals(
        "a.csv: row 1: has 10 cells, the head has 9; quote what holds a comma",
        samples.getFirst().problem());
  }

  @Test
  void tablesOfTheSameQuestionsAreRefused() {
    String row = "v.npy,Q,axial,1,A,axial,coronal,-,-\n";
    Path all = text(data.resolve("M3D_VQA_test.csv"), M3D_HEADER + row.replace("Q", "R") + row);
    Path part = text(data.resolve("M3D_VQA_test5k.csv"), M3D_HEADER + row);
    assertEquals(
        part + ": holds questions of " + all + "; keep one of the two below --data",
        refusal(() -> Benchmark.M3D.load(data)));
    // Within a table, of another volume, and without an answer they may be alike.
    text(all, M3D_HEADER + row + row + "w.npy,Q,,1,-,axial,coronal,-,-\n");
    text(part, M3D_HEADER + row.replace("v.npy", "u.npy") + "w.npy,Q,,1,-,axial,coronal,-,-\n");
    assertEquals(10, Benchmark.M3D.load(data).samples().size());
  }

  @Test
  void volumesMayHaveCtRatesNames() {
    text(data.resolve("a.csv"), RAD_HEADER + RAD_ROW.replace("v.npy", "test_7_a_1.nii.gz"));
    TestData.nifti(data.resolve("valid/valid_7/valid_7_a/valid_7_a_1.nii.gz"), 2, 1, 2);
    assertEquals("valid/valid_7/valid_7_a/valid_7_a_1.nii.gz", volume());
    TestData.npy(data.resolve("test_7_a_1.npy"), "(1, 1, 2)", 0, 1);
    assertEquals("test_7_a_1.npy", volume());
  }

  @Test
  void aVolumeThatIsThereTwiceIsRefused() throws IOException {
    text(data.resolve("a.csv"), RAD_HEADER + RAD_ROW.replace("v.npy", "v.nii.gz"));
    Path raw = data.resolve("valid/v.nii.gz");
    TestData.nifti(raw, 2, 1, 2);
    // One file behind a link is one.
    Files.createSymbolicLink(data.resolve("again"), raw.getParent());
    assertEquals("again/v.nii.gz", volume());
    TestData.nifti(data.resolve("valid_fixed/v.nii.gz"), 2, 1, 2);
    assertEquals(
        data
            + ": holds v.nii.gz twice, as again/v.nii.gz and valid_fixed/v.nii.gz; keep one of"
            + " them below --data",
        refusal(() -> load()));
    Files.delete(data.resolve("valid_fixed/v.nii.gz"));
    // Nor is one meant because it has the name as it is.
    TestData.nifti(data.resolve("v.nii.gz"), 2, 1, 2);
    Files.delete(data.resolve("again"));
    String twice = refusal(() -> load());
    assertTrue(twice.contains("twice, as v.nii.gz and valid/v.nii.gz"), twice);
    Files.delete(raw);
    assertEquals("v.nii.gz", volume());
    TestData.npy(data.resolve("v.npy"), "(1, 1, 2)", 0, 1);
    assertTrue(refusal(() -> load()).contains("as v.nii.gz and v.npy"));
    // A folder is what was named, whatever else has that name.
    TestData.picture(data.resolve("w/0.png"), 2, 1);
    TestData.npy(data.resolve("w.npy"), "(1, 1, 2)", 0, 1);
    TestData.nifti(data.resolve("deep/w.nii"), 2, 1, 2);
    text(data.resolve("a.csv"), RAD_HEADER + RAD_ROW.replace("v.npy", "w"));
    assertEquals("w", volume());
  }

  /** As some archives unpack: a folder that is called like its file is no second volume. */
  @Test
  void aFolderCalledLikeItsFileIsNoSecondOne() {
    text(data.resolve("a.csv"), RAD_HEADER + RAD_ROW.replace("v.npy", "v.nii.gz"));
    TestData.nifti(data.resolve("ct/v.nii/v.nii"), 2, 1, 2);
    assertEquals("ct/v.nii/v.nii", volume());
  }

  private String volume() {
    return Benchmark.RAD3D.load(data).samples().getFirst().volume();
  }

  /** One bad sample, not a bad file: the run says so of it alone. */
  @Test
  void emptyCellsStayEmpty() {
    text(
        data.resolve("a.csv"),
        RAD_HEADER
            + "4,2,v.npy,,No,Close,B,Yes,No,-,-\n"
            + "4,2,v.npy,Q,,Close,-,Yes,No,-,-\n"
            + "3,1,v.npy,Q,,Open,,-,-,-,-\n");
    List<Sample> samples = Benchmark.RAD3D.load(data).samples();
    assertEquals(List.of("", "B"), List.of(samples.get(0).prompt(), samples.get(0).gold()));
    assertEquals(List.of("", ""), samples.subList(1, 3).stream().map(Sample::gold).toList());
    assertTrue(samples.subList(1, 3).stream().allMatch(s -> s.prompt().startsWith("Q\n")));
  }

  @Test
  void linkedFoldersAreFollowed() throws IOException {
    Path store = data.resolve("store");
    text(store.resolve("tables/a.csv"), RAD_HEADER + "4,2,v.nii.gz,Q,No,Close,B,Yes,No,-,-\n");
    TestData.npy(store.resolve("ct/deep/v.npy"), "(1, 1, 2)", 0, 1);
    Path own = Files.createDirectory(data.resolve("own"));
    Files.createSymbolicLink(own.resolve("csv"), store.resolve("tables"));
    Files.createSymbolicLink(own.resolve("dataset"), store.resolve("ct"));
    Path link = Files.createSymbolicLink(data.resolve("3drad"), own);
    for (Path start : List.of(own, link)) {
      Benchmark.Loaded loaded = Benchmark.RAD3D.load(start);
      assertEquals(List.of(start.resolve("csv/a.csv")), loaded.annotations());
      assertEquals("dataset/deep/v.npy", loaded.samples().getFirst().volume());
      assertEquals("3drad-csv/a-000001", loaded.samples().getFirst().id());
    }
  }

  @Test
  void aLinkThatLeadsBackIsNamed() throws IOException {
    text(data.resolve("a.csv"), RAD_HEADER + RAD_ROW);
    Path back = data.resolve("ct/back");
    Files.createDirectory(back.getParent());
    Files.createSymbolicLink(back, data);
    assertEquals(
        back + ": is a link to a folder that it lies in; remove it", refusal(() -> load()));
  }

  @Test
  void aVolumeThatIsNotThereKeepsItsName() {
    text(data.resolve("a.csv"), RAD_HEADER + "4,2,v.nii.gz,Q,No,Close,B,Yes,No,-,-\n");
    assertEquals("v.nii.gz", Benchmark.RAD3D.load(data).samples().getFirst().volume());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\uFEFF" + RAD_HEADER + RAD_ROW,
        RAD_HEADER + RAD_ROW + "\n\n",
        RAD_HEADER + "\n" + RAD_ROW,
        RAD_HEADER + RAD_ROW + "   \n,,,,,,,,,,\n",
        "," + RAD_HEADER + "0," + RAD_ROW,
        "task,SUBTASK, volumename ,question,answer,questiontype,answerchoice,choice a,"
            + "choice b,choice c,choice d\r\n"
            + RAD_ROW,
      })
  void whatSpreadsheetsAndPandasWriteIsRead(String table) {
    text(data.resolve("a.csv"), table);
    List<Sample> samples = Benchmark.RAD3D.load(data).samples();
    assertEquals(1, samples.size());
    Sample s = samples.getFirst();
    assertEquals("3drad-a-000001", s.id().replace("000002", "000001"));
    assertEquals("Existence Detection", s.category());
    assertEquals(Kind.CLOSED, s.kind());
    assertEquals("B", s.gold());
    assertEquals(Map.of("A", "Yes", "B", "No"), s.choices());
  }

  @Test
  void m3dWithAByteOrderMarkIsRead() {
    text(data.resolve("a.csv"), "\uFEFF" + M3D_HEADER + "v.npy,Q,axial,1,A,axial,coronal,-,-\n");
    assertEquals(2, Benchmark.M3D.load(data).samples().size());
  }

  @Test
  void otherTablesMayBeAnything() throws IOException {
    text(data.resolve("b.csv"), RAD_HEADER + RAD_ROW);
    Files.write(data.resolve("latin.csv"), "Größe,n\n1,2\n".getBytes(ISO_8859_1));
    text(data.resolve("quote.csv"), "a,\"b\n1,2\n");
    text(data.resolve("unnamed.csv"), ",n,n\n1,2,3\n");
    text(data.resolve("empty.csv"), "");
    assertEquals(List.of(data.resolve("b.csv")), Benchmark.RAD3D.load(data).annotations());
  }

  @Test
  void tablesThatCannotBeReadAreSaidWithTheFix() throws IOException {
    Path file = data.resolve("a.csv");
    Files.write(file, (RAD_HEADER + RAD_ROW.replace("Q", "Größe")).getBytes(ISO_8859_1));
    assertEquals(file + ": is not UTF-8; save it as UTF-8", refusal(() -> load()));
    text(file, RAD_HEADER + RAD_ROW.replace("Q", "\"a\"b"));
    String quoting = refusal(() -> load());
    assertTrue(quoting.startsWith(file + ": not a CSV table (Invalid character"), quoting);
    assertTrue(quoting.endsWith("; repair the file"), quoting);
    text(file, RAD_HEADER.replace("Subtask", "question") + RAD_ROW);
    assertEquals(file + ": has two columns Question; remove or rename one", refusal(() -> load()));
    text(file, RAD_HEADER + RAD_ROW.replace("v.npy", "v\0.npy"));
    assertEquals(
        file + ": row 1: VolumeName is not a path; repair the file", refusal(() -> load()));
  }

  private void load() {
    Benchmark.RAD3D.load(data);
  }
}
