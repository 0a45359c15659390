package org.medpruner.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.Evaluation;
import org.medpruner.eval.SampleResult;

/**
 * How far an evaluation is and when it will be done: a bar on a terminal, a line now and then in a
 * log. The time left is reckoned from what this process did.
 */
final class EvaluationProgress implements Evaluation.Listener, Main.Closer {
  private static final int WIDTH = 100;

  /** Between lines of a log. */
  private static final long QUIET_NANOS = Duration.ofSeconds(10).toNanos();

  private final Main.ProgressKind kind;
  private final boolean terminal;
  private final PrintStream err;
  private final LongSupplier clock;

  /** When the first of this process's questions could be asked. */
  private long start;

  private long lastLine;
  private int startedAt;
  private int failures;
  private @Nullable ProgressBar bar;

  EvaluationProgress(Main.ProgressKind kind, boolean terminal, PrintStream err) {
    this(kind, terminal, err, System::nanoTime);
  }

  /** With a clock of its own, in nanoseconds. */
  EvaluationProgress(
      Main.ProgressKind kind, boolean terminal, PrintStream err, LongSupplier clock) {
    this.kind = kind;
    this.terminal = terminal;
    this.err = err;
    this.clock = clock;
    this.start = clock.getAsLong();
    this.lastLine = start;
  }

  @Override
  public void at(@Nullable SampleResult result, int done, int total) {
    if (result == null) {
      // Only now: what loading a checkpoint of 8.6 GB took, no further answer takes.
      start = clock.getAsLong();
      lastLine = start;
      startedAt = done;
      if (done > 0 && kind != Main.ProgressKind.OFF) {
        err.println("going on after " + done + " of " + total + " answers");
      }
    } else if (result.failed()) {
      failures++;
    }
    switch (kind) {
      case OFF -> {}
      case PLAIN -> line(result, done, total);
      case AUTO -> {
        if (terminal) {
          bar(done, total);
        } else {
          line(result, done, total);
        }
      }
    }
  }

  private void line(@Nullable SampleResult result, int done, int total) {
    long now = clock.getAsLong();
    if (result != null && done < total && now - lastLine < QUIET_NANOS) {
      return;
    }
    lastLine = now;
    err.println(
        "eval "
            + done
            + " of "
            + total
            + (failures > 0 ? ", " + failures + " failed" : "")
            + (done > startedAt && done < total ? ", " + left(now, done, total) + " left" : ""));
    err.flush();
  }

  private String left(long now, int done, int total) {
    double each = (now - start) / 1e9 / (done - startedAt);
    long seconds = Math.round(each * (total - done));
    return String.format(
        Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }

  private void bar(int done, int total) {
    ProgressBar b = bar;
    if (b == null) {
      b =
          new ProgressBarBuilder()
              .setTaskName("eval")
              .setInitialMax(total)
              .startsFrom(done, Duration.ZERO)
              .setStyle(ProgressBarStyle.ASCII)
              .setConsumer(new ConsoleProgressBarConsumer(err, WIDTH))
              .clearDisplayOnFinish()
              .build();
      bar = b;
    }
    b.stepTo(done);
    if (failures > 0) {
      b.setExtraMessage(" " + failures + " failed");
    }
  }

  @Override
  public void close() {
    ProgressBar b = bar;
    bar = null;
    if (b != null) {
      b.close();
    }
  }
}
