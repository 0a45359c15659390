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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.volume.fixtures.DicomBytes;

/** {@code ask} with several volumes. */
class AskSeveralTest {
  private static final String WHERE = "Which organ contains the lesion?";
  private static final String HOW_MANY = "How many lesions are there?";

  @TempDir Path folder;

  private static CliRun ask(Path model, List<Path> volumes, String... options) {
    List<String> arguments = new ArrayList<>(List.of("ask", "--model", model.toString()));
    for (Path volume : volumes) {
      arguments.addAll(List.of("--volume", volume.toString()));
    }
    arguments.addAll(List.of(options));
    return CliRun.of(arguments.toArray(String[]::new));
  }

  private static List<Path> phantoms(int... numbers) {
    List<Path> paths = new ArrayList<>();
    for (int n : numbers) {
      paths.add(TestVolumes.phantom(n));
    }
    return paths;
  }

  @Test
  void eachVolumesAnswersStandBelowItsName() {
    Path model = TestVolumes.demoModel();
    List<Path> volumes = phantoms(5, 1, 3);
    StringBuilder expected = new StringBuilder();
    for (Path volume : volumes) {
      expected.append("==> ").append(volume).append(" <==\n");
      expected.append(
          ask(model, List.of(volume), "--question", WHERE, "--question", HOW_MANY)
              .assertDone()
              .out());
    }
    CliRun run =
        ask(model, volumes, "--question", WHERE, "--question", HOW_MANY, "--batch", "2")
            .assertDone();
    assertEquals(expected.toString(), run.out());
    for (Path volume : volumes) {
      assertTrue(run.err().contains("volume          " + volume), run.err());
    }
    assertEquals(
        expected.toString(),
        ask(model, volumes, "--question", WHERE, "--question", HOW_MANY, "--stream")
            .assertDone()
            .out());
  }

  @Test
  void filesHoldARecordAndAReportOfEach() throws IOException {
    Path json = folder.resolve("audit.json");
    List<Path> volumes = phantoms(5, 1);
    CliRun run =
        ask(
                TestVolumes.demoModel(),
                volumes,
                "--question",
                WHERE,
                "--json",
                json.toString(),
                "--report",
                folder.resolve("reports").toString())
            .assertDone();
    JsonNode records = new ObjectMapper().readTree(json.toFile());
    assertTrue(records.isArray());
    assertEquals(2, records.size());
    List<String> answers = run.out().lines().filter(l -> !l.startsWith("==>")).toList();
    for (int i = 0; i < 2; i++) {
      assertEquals(List.of(), AuditSchemaTest.validate(records.get(i).toString()));
      assertEquals(volumes.get(i).toString(), records.get(i).at("/input/path").asText());
      assertEquals(answers.get(i), records.get(i).get("answer").asText());
      assertTrue(
          Files.readString(folder.resolve("reports/report-" + (i + 1) + ".html"))
              .contains(records.get(i).at("/input/sha256").asText()));
    }
    assertEquals(
        List.of("report-1.html", "report-2.html"), CliRun.filesUnder(folder.resolve("reports")));
  }

  @Test
  void aBadVolumeIsNamedBeforeTheModelIsLoaded() throws IOException {
    Path missing = folder.resolve("missing.nii");
    Path empty = Files.createFile(folder.resolve("empty.nii"));
    Path noModel = Files.createDirectory(folder.resolve("model"));
    for (Path bad : List.of(missing, empty)) {
      ask(noModel, List.of(TestVolumes.phantom(0), bad), "--question", WHERE)
          .assertBadInput(bad.toString());
    }
  }

  /** DICOM is never named, so its place in the list has to do. */
  @Test
  void aBadDicomVolumeIsToldByItsPlace() throws IOException {
    Path cut = DicomBytes.slice(4, 4).without(0x7FE00010).write(folder.resolve("Mustermann"));
    Path noModel = Files.createDirectory(folder.resolve("model"));
    CliRun run = ask(noModel, List.of(TestVolumes.phantom(0), cut, cut), "--question", WHERE);
    run.assertBadInput("--volume 2 of 3: DICOM file: truncated");
    assertFalse(run.err().contains("Mustermann"), run.err());
  }

  @Test
  void aVolumeTheModelCannotTakeIsNamedBeforeAnyIsEncoded() throws IOException {
    Path strip = folder.resolve("strip.nii");
    Files.write(strip, TestVolumes.nifti(1000, 2, 1, TestVolumes.UINT8, 8, new byte[2000]));
    CliRun run =
        ask(
            TinyQwen.write(folder.resolve("model")),
            List.of(TestVolumes.phantom(0), strip),
            "--question",
            WHERE,
            "--progress",
            "plain");
    assertEquals(Failures.BAD_INPUT, run.code());
    assertEquals("", run.out());
    assertFalse(run.err().contains("stage encode"), run.err());
    assertTrue(run.err().contains("volume " + strip + ": "), run.err());
  }

  /** The others are answered; files that would lack one are not written. */
  @Test
  void aVolumeThatDoesNotFitTheContextIsNamed() throws IOException {
    Path model = TinyQwen.write(folder.resolve("model"));
    Path config = model.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replace("\"max_position_embeddings\": 20000", "\"max_position_embeddings\": 48"));
    Path big = folder.resolve("big.nii");
    Path small = folder.resolve("small.nii");
    Files.write(big, TestVolumes.greyPlanes(64, 10, 20, 90, 120, 250, 30, 180, 70));
    Files.write(small, TestVolumes.greyPlanes(64, 10));
    Path json = folder.resolve("audit.json");
    CliRun run =
        ask(
            model,
            List.of(big, small),
            "--preset",
            "off",
            "--question",
            "Where?",
            "--max-new-tokens",
            "3",
            "--json",
            json.toString());
    assertEquals(Failures.BAD_INPUT, run.code(), run.err());
    assertTrue(run.out().contains("==> " + small + " <=="), run.out());
    assertTrue(run.err().contains("volume " + big + ": the prompt takes"), run.err());
    assertFalse(run.err().contains("volume " + small + ":"), run.err());
    assertFalse(Files.exists(json));
  }

  @Test
  void commandsOfOneVolumeRefuseASecond() {
    for (String command : List.of("prune", "compare")) {
      List<String> arguments = new ArrayList<>(List.of(command));
      if (command.equals("compare")) {
        arguments.addAll(List.of("--model", ".", "--question", WHERE));
      }
      arguments.addAll(List.of("--volume", "a.nii", "--volume", "b.nii"));
      CliRun.of(arguments.toArray(String[]::new)).assertBadInput("--volume", "2 times");
    }
    ask(Path.of("."), List.of(Path.of("a.nii")), "--question", WHERE, "--batch", "0")
        .assertBadInput("--batch");
  }

  /** "spleen" does not fit into what a number does. */
  @Test
  void anAnswerThatWasCutIsToldOfWhicheverItIs() {
    CliRun run =
        ask(
                TestVolumes.demoModel(),
                phantoms(5, 5),
                "--question",
                WHERE,
                "--question",
                HOW_MANY,
                "--max-new-tokens",
                "2")
            .assertDone();
    assertEquals(2, run.err().lines().filter(AskCommand.CUT::equals).count(), run.err());
  }
}
