package org.medpruner.serve;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * The log: one line per request and per defect. Nothing of what clients send is in it, neither
 * texts nor names nor paths; ids are the server's own.
 */
final class Log {
  private final Consumer<String> lines;

  Log(Consumer<String> lines) {
    this.lines = lines;
  }

  /** A request ended. */
  void request(String route, int status, double seconds, String note) {
    line(String.format(Locale.ROOT, "%s %d %.3f s %s", route, status, seconds, note).strip());
  }

  /** A defect of this program; without its message, which may quote what a client sent. */
  void defect(Throwable e) {
    StringBuilder text = new StringBuilder("defect");
    for (Throwable t = e; t != null; t = t.getCause()) {
      text.append(": ").append(t.getClass().getName());
      for (StackTraceElement frame : t.getStackTrace()) {
        text.append("\n    at ").append(frame);
      }
    }
    line(text.toString());
  }

  /** Anything else. */
  void line(String text) {
    lines.accept(Instant.now().truncatedTo(ChronoUnit.MILLIS) + " " + text);
  }
}
