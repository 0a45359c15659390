package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HelpAndInfoTest {
  private static final List<String> EVERYWHERE =
      List.of("--help", "--stacktrace", "--progress=auto|plain|off");

  private static final List<String> PRUNING =
      List.of(
          "--preset=NAME",
          "--gamma=X",
          "--tau=X",
          "--modality=ct|mri|auto",
          "--device=cpu|cuda",
          "--json=FILE",
          "--report=DIR",
          "--axis=AXIS",
          "--reverse",
          "--max-slices=N",
          "--frame=N",
          "--window=WINDOW");

  @ParameterizedTest
  @CsvSource({
    "ask, medpruner ask --model DIR --volume FILE --question TEXT [options], true",
    "compare, medpruner compare --model DIR --volume FILE --question TEXT [options], true",
    "prune, medpruner prune --volume FILE [--model DIR] [options], false",
  })
  void helpNamesEveryOption(String command, String synopsis, boolean answers) {
    CliRun run = CliRun.of(command, "--help").assertDone();
    assertEquals("Usage: " + synopsis, run.out().lines().findFirst().orElse(""));
    assertEquals("", run.err());
    for (String option : EVERYWHERE) {
      assertTrue(run.out().contains(option), option);
    }
    for (String option : PRUNING) {
      assertTrue(run.out().contains(option), option);
    }
    String text = run.out().replaceAll("\\s+", " ");
    assertTrue(text.matches(".*--json=FILE .* Of one question only\\. .*--report=DIR .*"), text);
    assertTrue(text.matches(".*--report=DIR .* Of one question only\\..*"), text);
    assertEquals(2, text.split("of several volumes \\(ask\\)", -1).length - 1, text);
    assertEquals(answers, run.out().contains("--question=TEXT"));
    assertEquals(answers, run.out().contains("--max-new-tokens=N"));
    assertEquals(answers, run.out().contains("--layout=LAYOUT"));
  }

  @Test
  void mainHelpListsTheCommands() {
    String out = CliRun.of("--help").assertDone().out();
    for (String command :
        List.of("ask", "prune", "compare", "eval", "serve", "demo", "phantom", "info")) {
      assertTrue(out.lines().anyMatch(l -> l.strip().startsWith(command + " ")), command);
    }
    for (String command : List.of("test", "build", "bench", "gpu-test", "gpu-pack")) {
      assertTrue(
          out.matches("(?s).*The launcher, ./medpruner, has .*\\b" + command + "\\b.*"), out);
    }
    assertTrue(out.contains("not a medical device"), out);
    assertTrue(CliRun.of("--version").assertDone().out().startsWith("medpruner "));
  }

  @Test
  void infoSaysWhatIsThereAndWhyCudaIsNot() {
    String out = CliRun.of("info").assertDone().out();
    for (String name :
        List.of("medpruner", "Java", "libmedpruner", "backends", "CPU", "LibTorch")) {
      assertTrue(
          out.lines().anyMatch(l -> l.startsWith(name + " ")), name + " is missing in " + out);
    }
    assertTrue(out.contains("CUDA unavailable: ") || out.contains("\nGPU 0 "), out);
  }
}
