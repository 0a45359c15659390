package org.medpruner.cli;

import java.io.PrintStream;
import org.medpruner.vlm.Progress;

/** One line when a stage begins, for logs. */
final class PlainProgress implements Progress {
  private final PrintStream err;
  private String stage = "";

  PlainProgress(PrintStream err) {
    this.err = err;
  }

  @Override
  public void update(String newStage, long done, long total) {
    if (!newStage.equals(stage)) {
      stage = newStage;
      err.println("stage " + newStage + " (" + total + ")");
      err.flush();
    }
  }
}
