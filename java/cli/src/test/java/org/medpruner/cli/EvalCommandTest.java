package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.NucleusSelect;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.Setting;

/** {@code eval} from its arguments to its exit code. */
class EvalCommandTest {
  @TempDir Path folder;

  private CliRun run(Path data, String... more) {
    List<String> arguments = new ArrayList<>(MiniBenchmark.arguments(data, folder.resolve("out")));
    for (int i = 0; i < more.length; i += 2) {
      int at = arguments.indexOf(more[i]);
      if (at >= 0 && !more[i].equals("--preset")) {
        arguments.set(at + 1, more[i + 1]);
      } else {
        arguments.addAll(List.of(more[i], more[i + 1]));
      }
    }
    return CliRun.of(arguments.toArray(new String[0]));
  }

  @Test
  void aRunPrintsALineForEachSetting() throws Exception {
    Path data = MiniBenchmark.write(folder.resolve("data"), 2, 1);
    CliRun run = run(data, "--preset", "off", "--preset", "nucleus", "--sweep", "tau=0.5");
    run.assertDone();
    List<String> names =
        run.out().lines().skip(1).limit(3).map(l -> l.split("\\s{2,}")[0]).toList();
    assertEquals(List.of("off", "nucleus", "nucleus tau=0.5"), names);
    assertTrue(run.err().contains("eval 6 of 6"), run.err());
    // Another list of settings is another run.
    CliRun other = run(data, "--preset", "nucleus");
    assertEquals(Failures.BAD_INPUT, other.code());
    assertTrue(other.err().contains("another list of settings"), other.err());
  }

  /** As the README has it: no data and no model named, both come with the sources. */
  @Test
  void phantomsNeedNothingToBeNamed() throws Exception {
    Path out = folder.resolve("out");
    CliRun run = phantoms(5, out);
    run.assertDone();
    assertEquals(
        List.of("off", "paper"),
        run.out().lines().skip(1).map(l -> l.split("\\s{2,}")[0]).toList());
    assertTrue(Files.isRegularFile(out.resolve("data/truth.json")), run.err());
    assertTrue(Files.readString(out.resolve("report.html")).contains("id=\"lesions\""));
    // From truth.json to the table.
    List<String> lesions =
        Files.readAllLines(out.resolve("results.csv")).stream()
            .filter(l -> l.matches("off,off,,,lesion,all of its slices kept,[1-9].*"))
            .toList();
    assertEquals(1, lesions.size());
    CliRun again = phantoms(5, out);
    again.assertDone();
    assertTrue(again.err().contains("going on after 10 of 10 answers"), again.err());
    assertEquals(run.out(), again.out());
    CliRun more = phantoms(6, out);
    more.assertBadInput(
        out + ": is of 5 questions of seed 42 (--limit, --seed), not of 6 questions of seed 42;",
        "name another --out");
    // Its phantoms move with the run, and the report still knows their lesions.
    Path moved = folder.resolve("moved");
    Files.move(out, moved);
    Files.delete(moved.resolve("report.html"));
    phantoms(5, moved).assertDone();
    assertTrue(Files.readString(moved.resolve("report.html")).contains("id=\"lesions\""));
  }

  private static CliRun phantoms(int limit, Path out) {
    TestVolumes.demoModel();
    String before = System.getProperty("medpruner.root");
    System.setProperty("medpruner.root", TestVolumes.root().toString());
    try {
      return CliRun.of(
          "eval",
          "--benchmark",
          "phantom",
          "--preset",
          "off",
          "--preset",
          "paper",
          "--limit",
          Integer.toString(limit),
          "--out",
          out.toString());
    } finally {
      if (before == null) {
        System.clearProperty("medpruner.root");
      } else {
        System.setProperty("medpruner.root", before);
      }
    }
  }

  @Test
  void failedSamplesGiveAnExitCodeOfTheirOwn() throws Exception {
    Path data = MiniBenchmark.write(folder.resolve("data"), 2, 1);
    Files.write(data.resolve("v1/volume.nii"), new byte[] {1});
    CliRun run = run(data);
    assertEquals(EvalCommand.INCOMPLETE, run.code(), run.err());
    assertTrue(run.err().contains("2 of 4 answers are missing"), run.err());
    assertTrue(run.err().contains("once that is repaired, start a new --out"), run.err());
    assertTrue(run.out().contains("paper"), run.out());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--benchmark;vqa;use one of amos, m3d, 3drad, phantom",
        "--limit;0;--limit",
        "--max-images;0;--max-images",
        "--max-new-tokens;0;--max-new-tokens",
        "--preset;best;unknown preset",
        "--sweep;gamma;--sweep = gamma",
        "--sweep;gamma=;--sweep",
        "--sweep;gamma=0.1,,0.2;--sweep",
        "--sweep;colour=1;colour is none of gamma, tau",
        "--sweep;gamma=-5;--sweep gamma=-5: gamma = -5.0",
        "--sweep;max-gap=-1;--sweep max-gap=-1: ",
        "--sweep;tau=much;tau",
        "--sweep;score=best;softmax",
        "--data;nowhere;no such folder",
        "--model;nowhere;no such folder",
      })
  void argumentsAreNamed(String option, String value, String named) throws Exception {
    Path data = MiniBenchmark.write(folder.resolve("data"), 1, 1);
    CliRun run = run(data, option, value);
    assertEquals(Failures.BAD_INPUT, run.code(), run.err());
    assertTrue(run.err().contains(named), run.err());
    assertEquals("", run.out());
    assertEquals(List.of(), CliRun.filesUnder(folder.resolve("out")));
  }

  @Test
  void aModelThatCannotBeLoadedLeavesNothing() throws Exception {
    Path data = MiniBenchmark.write(folder.resolve("data"), 1, 1);
    CliRun run = run(data, "--model", data.toString());
    assertEquals(Failures.BAD_INPUT, run.code(), run.err());
    assertTrue(run.err().contains("config.json: no such file; name a"), run.err());
    assertFalse(Files.exists(folder.resolve("out")));
  }

  @Test
  void sweepsAreEveryCombinationAroundEveryPreset() {
    List<Setting> all =
        Sweeps.settings(
            List.of("paper", "nucleus"), List.of("gamma=0.02,0.05", "tau=0.9, 0.5", "score=mass"));
    assertEquals(
        List.of(
            "off",
            "paper",
            "paper gamma=0.02 tau=0.9 score=mass",
            "paper gamma=0.02 tau=0.5 score=mass",
            "paper gamma=0.05 tau=0.9 score=mass",
            "paper gamma=0.05 tau=0.5 score=mass",
            "nucleus",
            "nucleus gamma=0.02 tau=0.9 score=mass",
            "nucleus gamma=0.02 tau=0.5 score=mass",
            "nucleus gamma=0.05 tau=0.5 score=mass"),
        all.stream().map(Setting::name).toList());
    PruningPolicy p = all.get(3).policy();
    assertEquals(0.02, p.gamma());
    assertEquals(0.5, p.tau());
    assertEquals(NucleusSelect.Score.MASS, p.score());
    assertEquals("paper", all.get(3).preset());
    // A point that equals its preset is the preset.
    assertEquals(2, Sweeps.settings(List.of("paper"), List.of("gamma=0.05")).size());
    assertEquals(
        List.of("off", "paper", "paper token-pruning=false"),
        Sweeps.settings(List.of("paper"), List.of("token-pruning=false,true")).stream()
            .map(Setting::name)
            .toList());
    assertThrows(
        IllegalArgumentException.class,
        () -> Sweeps.settings(List.of("off"), List.of("gamma=0.1")));
    assertThrows(
        IllegalArgumentException.class,
        () -> Sweeps.settings(List.of("paper"), List.of("gamma=0.1", "gamma=0.2")));
  }
}
