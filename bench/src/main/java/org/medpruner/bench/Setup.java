package org.medpruner.bench;

import java.util.List;
import java.util.Map;

/**
 * What every measurement needs to know.
 *
 * @param threads of MedPruner, of LibTorch and of the probe
 * @param turns of each contender
 */
record Setup(int threads, int turns, Probe probe) {
  Race race() {
    return new Race(turns);
  }

  /** A baseline of a race whose winner, it is hoped, is {@code ours}. */
  static Report.Baseline baseline(Map<String, Timing> race, String ours, String name, String how) {
    Timing time = require(race, name);
    return new Report.Baseline(name, how, time, time.over(require(race, ours)), null);
  }

  static Timing require(Map<String, Timing> race, String name) {
    Timing time = race.get(name);
    if (time == null) {
      throw new IllegalStateException("no contender \"" + name + "\"");
    }
    return time;
  }

  /** Ends the run: a figure whose check fails is never taken. */
  static void check(boolean passed, String what) {
    if (!passed) {
      throw new CheckFailedException("check failed, so nothing was timed: " + what);
    }
  }

  /** Measurements of one op. */
  interface Case {
    /** Checks, then measures. */
    List<Report.Row> rows(Setup setup, Ceilings ceilings);
  }

  /** Two implementations disagree, or a figure cannot be. */
  static final class CheckFailedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    CheckFailedException(String message) {
      super(message);
    }
  }
}
