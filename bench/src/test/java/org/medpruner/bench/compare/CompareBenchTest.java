package org.medpruner.bench.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.networknt.schema.Error;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.bench.ResultsFile;
import org.medpruner.bench.Schemas;

/** What is made of the audit records of some runs, and the results that are committed. */
class CompareBenchTest {
  private static final Path ROOT = Path.of(System.getenv("MEDPRUNER_ROOT"));

  @TempDir Path folder;

  private static List<Error> validate(String text) throws IOException {
    return Schemas.validate("compare", text);
  }

  /**
   * A checkout whose launcher, called for the n-th time, writes the n-th audit record and its own
   * arguments.
   */
  private CompareOptions checkout(String... audits) throws IOException {
    for (int i = 0; i < audits.length; i++) {
      Files.writeString(folder.resolve((i + 1) + ".audit"), audits[i]);
    }
    Files.createDirectories(folder.resolve("models/demo"));
    Files.writeString(folder.resolve("models/head.nii.gz"), "");
    Path launcher = folder.resolve("medpruner");
    Files.writeString(
        launcher,
        """
        #!/bin/sh
        cd "$(dirname "$0")" || exit 1
        echo "$MEDPRUNER_THREADS $*" >>calls
        [ -f "$(wc -l <calls | tr -d ' ').audit" ] || exit 3
        for last; do :; done
        cp "$(wc -l <calls | tr -d ' ').audit" "$last"
        """);
    assertTrue(launcher.toFile().setExecutable(true));
    return CompareOptions.parse(
        folder,
        "--volume",
        folder.resolve("models/head.nii.gz").toString(),
        "--question",
        "Where?",
        "--turns",
        Integer.toString(Math.max(1, audits.length)));
  }

  private static String audit(double time, String answer) {
    return """
    {"input": {"path": "anything", "sha256": "%s"},
     "model": {"computeType": "F32"}, "policy": {"name": "paper"},
     "slices": [{"kept": true}, {"kept": false}, {"kept": true}],
     "answer": "%s",
     "comparison": {"unprunedAnswer": "liver", "time": %s, "visualTokens": 6.46,
                    "prefillTokens": 4.75, "kvBytes": 3.71, "peakMemory": null}}
    """
        .formatted("ab".repeat(32), answer, time);
  }

  @Test
  void runsOfTheCommandBecomeOneFile() throws IOException {
    CompareOptions options = checkout(audit(4.1, "liver"), audit(2, "liver"), audit(3, "liver"));
    CompareReport report = CompareBench.run(options, 2);
    ResultsFile.write(report, options.output());
    assertEquals(folder.resolve("bench/results/compare/head.json"), options.output());
    String text = Files.readString(options.output());
    assertEquals(List.of(), validate(text));
    assertFalse(validate(text.replace("slices_kept", "kept")).isEmpty());
    assertEquals(report, ResultsFile.json().readValue(text, CompareReport.class));

    assertEquals("| 2 of 3 | 6.5x | 4.8x | 3.7x | 2.0x to 4.1x |", report.cells());
    assertEquals(3, report.time().median());
    assertEquals(
        "./medpruner bench compare --model models/demo --volume models/head.nii.gz --question"
            + " \"Where?\" --turns 3",
        report.command());
    List<String> calls = Files.readAllLines(folder.resolve("calls"));
    assertEquals(3, calls.size());
    assertTrue(
        calls
            .getFirst()
            .matches(
                "2 compare --model \\S+/models/demo --volume \\S+ --question Where\\? --json \\S+"),
        calls.getFirst());
  }

  @Test
  void runsThatDifferAreNoResult() throws IOException {
    CompareOptions options = checkout(audit(2, "liver"), audit(2, "spleen"));
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> CompareBench.run(options, 2));
    assertTrue(String.valueOf(e.getMessage()).contains("spleen"), e.getMessage());
  }

  @Test
  void aCommandThatFailsIsNoResult() throws IOException {
    CompareOptions options = checkout();
    IOException e = assertThrows(IOException.class, () -> CompareBench.run(options, 2));
    assertEquals("./medpruner compare ended with status 3", e.getMessage());
  }

  @Test
  void filesElsewhereAreNamedWithoutTheirFolder() throws IOException {
    CompareOptions options = checkout();
    assertEquals("models/demo", options.named(folder.resolve("models/demo")));
    assertEquals("ch2.nii.gz", options.named(folder.resolveSibling("data").resolve("ch2.nii.gz")));
  }

  @Test
  void committedResultsFollowTheSchemaAndStandInTheReadme() throws IOException {
    Schemas.assertCommittedFollow("compare", "compare");
    List<String> readme = Files.readAllLines(ROOT.resolve("README.md"));
    for (Path file : Schemas.committed("compare")) {
      CompareReport report = ResultsFile.json().readValue(file.toFile(), CompareReport.class);
      assertTrue(
          readme.stream()
              .anyMatch(
                  line ->
                      line.contains("`" + report.volume() + "`")
                          && line.contains("\"" + report.question() + "\"")
                          && line.endsWith(report.cells())),
          "the README has no row of " + report.volume() + " that ends in " + report.cells());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--turns|0|--turns is \"0\", expected a number from 1 on",
        "--turns|x|--turns is \"x\", expected a number from 1 on",
        "--volume|none.nii|--volume is \"none.nii\", which does not exist",
        "--model|none|--model is \"none\", which does not exist",
        "--question|Where?|--volume is missing; expected --volume, --question, --model, --turns or"
            + " --output",
        "--ask|Where?|--ask is unknown; expected --volume, --question, --model, --turns or"
            + " --output",
      })
  void aWrongArgumentIsNamed(String name, String value, String message) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> CompareOptions.parse(ROOT, name, value))
            .getMessage());
  }
}
