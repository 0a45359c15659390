package org.medpruner.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.Progress;

/** One bar per stage on a terminal, each cleared when its stage ends. */
final class TerminalProgress implements Progress, Main.Closer {
  private static final int WIDTH = 80;

  private final PrintStream err;
  private String stage = "";
  private @Nullable ProgressBar bar;

  TerminalProgress(PrintStream err) {
    this.err = err;
  }

  /**
   * Whether standard error is a terminal. {@code Console.isTerminal} asks about standard input and
   * output, and the answer on standard output is often piped away.
   */
  @SuppressWarnings(
      "SystemConsoleNull") // it may be null still: without java.base's or jdk.internal.le's console
  static boolean onTerminal() {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      return System.console() != null && System.console().isTerminal();
    }
  }

  @Override
  public void update(String newStage, long done, long total) {
    ProgressBar current = bar;
    if (current == null || !newStage.equals(stage)) {
      close();
      stage = newStage;
      current =
          new ProgressBarBuilder()
              .setTaskName(newStage)
              .setInitialMax(total)
              .setStyle(ProgressBarStyle.ASCII)
              .setConsumer(new ConsoleProgressBarConsumer(err, WIDTH))
              .clearDisplayOnFinish()
              .build();
      bar = current;
    }
    current.maxHint(total);
    current.stepTo(done);
  }

  @Override
  public void close() {
    ProgressBar current = bar;
    bar = null;
    if (current != null) {
      current.close();
    }
  }
}
