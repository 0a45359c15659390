package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.eval.SampleResult;

/** What an evaluation says of itself while it goes on, by a clock that the test moves. */
class EvaluationProgressTest {
  private final AtomicLong clock = new AtomicLong();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private EvaluationProgress progress(Main.ProgressKind kind, boolean terminal) {
    PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
    return new EvaluationProgress(kind, terminal, stream, clock::get);
  }

  private void pass(int seconds) {
    clock.addAndGet(Duration.ofSeconds(seconds).toNanos());
  }

  private List<String> lines() {
    return err.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private static final SampleResult FAILED =
      SampleResult.failed("m3d-1", "paper", "out of memory", "");

  @ParameterizedTest
  @CsvSource({"AUTO", "PLAIN"})
  void aLogGetsALineNowAndThenWithTheTimeLeft(Main.ProgressKind kind) {
    try (EvaluationProgress progress = progress(kind, false)) {
      progress.at(null, 0, 1000);
      for (int done = 1; done <= 3; done++) {
        pass(4);
        progress.at(FAILED, done, 1000);
      }
      pass(4);
      progress.at(FAILED, 4, 1000);
      pass(1);
      progress.at(FAILED, 1000, 1000);
    }
    // 12 seconds for 3 of 1000 are 4 for each of the other 997.
    assertEquals(
        List.of(
            "eval 0 of 1000",
            "eval 3 of 1000, 3 failed, 1:06:28 left",
            "eval 1000 of 1000, 5 failed"),
        lines());
  }

  /** What an earlier process did says nothing of this one's speed. */
  @Test
  void theTimeLeftIsThatOfThisProcess() {
    try (EvaluationProgress progress = progress(Main.ProgressKind.AUTO, false)) {
      progress.at(null, 90, 100);
      pass(20);
      progress.at(FAILED, 92, 100);
    }
    assertEquals(
        List.of(
            "going on after 90 of 100 answers",
            "eval 90 of 100",
            "eval 92 of 100, 1 failed, 0:01:20 left"),
        lines());
  }

  /** Loading and hashing a checkpoint of 4B parameters takes two minutes, once. */
  @Test
  void loadingIsNoPartOfTheSpeed() {
    try (EvaluationProgress progress = progress(Main.ProgressKind.AUTO, false)) {
      pass(120);
      progress.at(null, 0, 1000);
      pass(10);
      progress.at(FAILED, 1, 1000);
    }
    assertEquals(List.of("eval 0 of 1000", "eval 1 of 1000, 1 failed, 2:46:30 left"), lines());
  }

  @Test
  void offSaysNothing() {
    try (EvaluationProgress progress = progress(Main.ProgressKind.OFF, false)) {
      progress.at(null, 1, 3);
      pass(60);
      progress.at(FAILED, 2, 3);
    }
    assertEquals(List.of(), lines());
  }

  @Test
  void aTerminalGetsABar() {
    try (EvaluationProgress progress = progress(Main.ProgressKind.AUTO, true)) {
      progress.at(null, 0, 2);
      progress.at(FAILED, 1, 2);
    }
    String text = err.toString(StandardCharsets.UTF_8);
    // Name, share, count, time passed and time left; how often it is drawn is the bar's own affair.
    String bar = "(?s).*eval +50% \\[.*\\] 1/2 \\(\\d:\\d\\d:\\d\\d / \\d:\\d\\d:\\d\\d\\).*";
    assertTrue(text.matches(bar), text);
    assertTrue(lines().stream().noneMatch(l -> l.matches("eval \\d+ of .*")), lines().toString());
  }
}
