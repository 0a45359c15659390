package org.medpruner.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.torch.TorchRuntime;

/** A failed check ends the run without a figure and with an exit status of its own. */
class FailedCheckTest {
  @Test
  void nothingIsTimedOrWrittenAfterAFailedCheck(@TempDir Path folder) throws IOException {
    TorchRuntime.require();
    List<String> timed = new ArrayList<>();
    Map<String, Setup.Case> cases = new TreeMap<>();
    cases.put(
        "1 damaged",
        (setup, ceilings) -> {
          Setup.check(false, "damaged on purpose");
          timed.add("damaged");
          return List.of();
        });
    cases.put(
        "2 next",
        (setup, ceilings) -> {
          timed.add("next");
          return List.of();
        });
    Path output = folder.resolve("r.json");
    Path root = Path.of(System.getenv("MEDPRUNER_ROOT"));
    assertEquals(3, Bars.run(setup(), root, cases, "", "", output));
    assertEquals(List.of(), timed);
    assertFalse(Files.exists(output));
  }

  /** A share that cannot be ends the run alike. */
  @Test
  void nothingIsWrittenOfAShareThatCannotBe(@TempDir Path folder) throws IOException {
    TorchRuntime.require();
    Timing second = new Timing(1, 1, 1, 5);
    Report.Ceiling fma = new Report.Ceiling("f32 fma", "cpu", 1, "FLOP/s", second, "made up");
    Map<String, Setup.Case> cases = new TreeMap<>();
    cases.put(
        "1 too much",
        (setup, ceilings) -> {
          Ceilings.share(fma, 2, second);
          return List.of();
        });
    Path output = folder.resolve("r.json");
    Path root = Path.of(System.getenv("MEDPRUNER_ROOT"));
    assertEquals(3, Bars.run(setup(), root, cases, "", "", output));
    assertFalse(Files.exists(output));
  }

  /** Without a probe: no case here measures. */
  @SuppressWarnings("NullAway")
  static Setup setup() {
    return new Setup(1, 5, null);
  }
}
