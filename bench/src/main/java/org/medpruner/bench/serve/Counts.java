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

  private final Map<String, LongAdder> counts = new ConcurrentSkipListMap<>();
  private final List<String> unexpected = new CopyOnWriteArrayList<>();

  /** Something happened. */
  void add(String what) {
    counts.computeIfAbsent(what, k -> new LongAdder()).increment();
  }

  /** Something happened that should not. */
  void error(String what) {
    add("ERROR");
    if (unexpected.size() < MOST) {
      unexpected.add(what);
    }
  }

  /** A line of the server's log; defects of the server are errors. */
  void log(String line) {
    if (line.contains(" defect")) {
      error(line);
    }
  }

  /** What should not have happened. */
  List<String> unexpected() {
    return unexpected;
  }

  @Override
  public String toString() {
    Map<String, Long> sums = new TreeMap<>();
    counts.forEach((what, n) -> sums.put(what, n.sum()));
    return sums.toString();
  }
}
