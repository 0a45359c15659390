package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arguments that cannot be used: one line, exit code 2, nothing written. */
class BadArgumentTest {
  @TempDir Path folder;

  private String volume() throws IOException {
    return Files.write(folder.resolve("v.nii"), TestVolumes.greyPlanes(4, 1, 200)).toString();
  }

  @ParameterizedTest
  @CsvSource({
    "--preset, best, paper",
    "--gamma, -1, gamma",
    "--gamma, Infinity, gamma",
    "--gamma, NaN, gamma",
    "--gamma, much, --gamma",
    "--tau, 0, tau",
    "--tau, 1.0001, tau",
    "--tau, -0.5, tau",
    "--tau, NaN, tau",
    "--temperature, 0, temperature",
    "--temperature, -2, temperature",
    "--temperature, 1e-310, temperature",
    "--temperature, Infinity, temperature",
    "--contextual-ratio, 1.5, contextualRatio",
    "--score, best, softmax",
    "--positions, here, renumbered",
    "--max-gap, -1, maxGapSlices",
    "--max-gap-mm, -1, maxGapMm",
    "--patch-gamma, -0.1, patchGamma",
    "--patch-gamma, Infinity, patchGamma",
    "--patch-gamma, NaN, patchGamma",
    "--min-tokens, -1, minTokens",
    "--volume-max-tokens, -1, volumeMaxTokens",
    "--modality, xray, mri",
    "--axis, diagonal, sagittal",
    "--frame, -1, --frame",
    "--max-slices, 0, --max-slices",
    "--window, 'wide', --window",
    "--window, '80,80', --window",
    "--window, '80,NaN', --window",
    "--device, tpu, cuda",
    "--dtype, f16, bf16",
    "--encoder-memory, 0, --encoder-memory",
    "--no-such-option, 1, --no-such-option",
  })
  void argumentIsNamed(String option, String value, String named) throws IOException {
    CliRun.of("prune", "--volume", volume(), option, value).assertBadInput(named);
  }

  @ParameterizedTest
  @CsvSource({
    "--sampling-temperature, -1, --sampling-temperature",
    "--sampling-temperature, NaN, --sampling-temperature",
    "--sampling-temperature, warm, --sampling-temperature",
    "--top-k, -1, --top-k",
    "--top-p, 0, --top-p",
    "--top-p, 1.5, --top-p",
    "--repetition-penalty, 0, --repetition-penalty",
    "--seed, x, --seed",
    "--stop, '', --stop",
  })
  void samplingIsChecked(String option, String value, String named) throws IOException {
    String model = Files.createDirectories(folder.resolve("model")).toString();
    CliRun.of("ask", "--model", model, "--volume", volume(), "--question", "q", option, value)
        .assertBadInput(named);
  }

  @Test
  void severalQuestionsHaveNoOneRecord() throws IOException {
    String model = Files.createDirectories(folder.resolve("model")).toString();
    String json = folder.resolve("a.json").toString();
    CliRun.of(
            "ask",
            "--model",
            model,
            "--volume",
            volume(),
            "--question",
            "q",
            "--question",
            "r",
            "--json",
            json)
        .assertBadInput("--json and --report record one question");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ask", "compare"})
  void questionAndLengthAreChecked(String command) throws IOException {
    String model = Files.createDirectories(folder.resolve("model")).toString();
    CliRun.of(command, "--model", model, "--volume", volume()).assertBadInput("--question");
    CliRun.of(command, "--model", model, "--volume", volume(), "--question", " ")
        .assertBadInput("--question");
    CliRun.of(
            command,
            "--model",
            model,
            "--volume",
            volume(),
            "--question",
            "q",
            "--max-new-tokens",
            "0")
        .assertBadInput("--max-new-tokens");
  }

  /** They would mean the working folder. */
  @ParameterizedTest
  @CsvSource({
    "prune, --volume",
    "prune, --model",
    "prune, --json",
    "prune, --report",
    "ask, --volume",
    "ask, --model",
    "compare, --report",
    "serve, --model",
    "demo, --output",
    "phantom, --output",
    "eval, --data",
    "eval, --out"
  })
  void emptyPathsAreRefused(String command, String option) {
    CliRun.of(command, option, "").assertBadInput(option, "the path is empty");
  }

  /** The file after the at sign is not read in its place. */
  @Test
  void atSignsAreText() throws IOException {
    Path model = folder.resolve("no-model");
    CliRun.of("ask", "--model", model.toString(), "--volume", volume(), "--question", "@home?")
        .assertBadInput("no-model");
  }

  @Test
  void commandIsNeeded() {
    CliRun.of().assertBadInput("ask");
    CliRun.of("answer").assertBadInput("answer");
    CliRun.of("prune").assertBadInput("--volume");
  }

  @Test
  void millimetresNeedASpacing() throws IOException {
    Path slices = Files.createDirectory(folder.resolve("slices"));
    TestVolumes.png(slices.resolve("1.png"), 8, 8, java.awt.image.BufferedImage.TYPE_BYTE_GRAY);
    CliRun.of("prune", "--volume", slices.toString(), "--max-gap-mm", "5")
        .assertBadInput("maxGapMm");
  }

  @Test
  void storedOrderNeedsAFileThatHasOneAndIsNotReversed() throws IOException {
    CliRun.of("prune", "--volume", volume(), "--window", "hulu", "--reverse")
        .assertBadInput("--reverse", "--window hulu");
    Path slices = Files.createDirectory(folder.resolve("slices"));
    TestVolumes.png(slices.resolve("1.png"), 8, 8, java.awt.image.BufferedImage.TYPE_BYTE_GRAY);
    CliRun.of("prune", "--volume", slices.toString(), "--window", "hulu")
        .assertBadInput("slices", "need a NIfTI file");
  }

  @Test
  void outputsMustBeWritable() throws IOException {
    Path file = Files.writeString(folder.resolve("plain-file"), "x");
    String volume = volume();
    for (Path place : List.of(file.resolve("out"), Path.of("/proc/out"))) {
      CliRun.of("prune", "--volume", volume, "--json", place.resolve("a.json").toString())
          .assertBadInput("--json", place.toString());
      CliRun.of("prune", "--volume", volume, "--report", place.toString())
          .assertBadInput("--report", place.toString());
    }
    CliRun.of("prune", "--volume", volume, "--report", file.toString())
        .assertBadInput("--report", "plain-file");
    CliRun.of("prune", "--volume", volume, "--json", folder.toString())
        .assertBadInput("--json", "folder");
    String page = folder.resolve("r/report.html").toString();
    CliRun.of(
            "prune", "--volume", volume, "--json", page, "--report", folder.resolve("r").toString())
        .assertBadInput("--json", "--report");
    assertEquals(List.of("plain-file", "v.nii"), CliRun.filesUnder(folder));
  }
}
