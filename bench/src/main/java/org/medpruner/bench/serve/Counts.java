package org.medpruner.bench.serve;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;

/** What came of the requests. Thread-safe. */
final class Counts {
  /** More of them say nothing new. */
  private static final int MOST = 20;

  private final Map<String, LongAdder> outcomes = new ConcurrentSkipListMap<>();
  private final Map<String, LongAdder> statuses = new ConcurrentSkipListMap<>();
  private final LongAdder errors = new LongAdder();
  private final List<String> firstErrors = new CopyOnWriteArrayList<>();

  /** Something happened as it should. */
  void add(String what) {
    outcomes.computeIfAbsent(what, k -> new LongAdder()).increment();
  }

  /** A response came, expected or not. */
  void status(int code) {
    statuses.computeIfAbsent(Integer.toString(code), k -> new LongAdder()).increment();
  }

  /** Something happened that should not. */
  void error(String what) {
    errors.increment();
    if (firstErrors.size() < MOST) {
      firstErrors.add(what);
    }
  }

  /** A line of the server's log; defects of the server are errors. */
  void log(String line) {
    if (line.contains(" defect")) {
      error(line);
    }
  }

  Map<String, Long> outcomes() {
    return sums(outcomes);
  }

  /** Responses by their status. */
  Map<String, Long> statuses() {
    return sums(statuses);
  }

  long errors() {
    return errors.sum();
  }

  /** What should not have happened. */
  List<String> firstErrors() {
    return List.copyOf(firstErrors);
  }

  private static Map<String, Long> sums(Map<String, LongAdder> counts) {
    Map<String, Long> sums = new TreeMap<>();
    counts.forEach((what, n) -> sums.put(what, n.sum()));
    return sums;
  }

  @Override
  public String toString() {
    return outcomes() + " statuses " + statuses() + " errors " + errors();
  }
}
