package org.medpruner.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Contenders that take turns, so that whatever else the machine does meets them all. A turn begins
 * with a pause, in which the threads of the one before go to sleep (OpenBLAS's spin for up to 30
 * ms), and, where a run is short, an untimed run that wakes one's own.
 */
final class Race {
  private static final long PAUSE_MILLIS = 60;

  /**
   * Seconds of timed runs a turn is made of at least, unless {@link #MAX_RUNS_PER_TURN} are done.
   */
  private static final double TURN_SECONDS = 0.02;

  /** Fewer have no median to speak of. */
  static final int MIN_TURNS = 5;

  private static final int MAX_RUNS_PER_TURN = 20;

  /** Beyond this an untimed run in front of each turn would cost more than it is worth. */
  private static final double LONG_SECONDS = 0.25;

  private final int turns;
  private final Map<String, Runnable> contenders = new LinkedHashMap<>();

  /**
   * A race of so many turns for each contender.
   *
   * @param turns at least {@link #MIN_TURNS}
   */
  Race(int turns) {
    if (turns < MIN_TURNS) {
      throw new IllegalArgumentException("turns is " + turns + ", expected at least " + MIN_TURNS);
    }
    this.turns = turns;
  }

  /** Adds a contender; the order is that of the turns. */
  Race with(String name, Runnable body) {
    contenders.put(name, body);
    return this;
  }

  /** Warms up, then times. */
  Map<String, Timing> run() {
    List<Lane> lanes = new ArrayList<>();
    contenders.forEach((name, body) -> lanes.add(new Lane(name, body, warm(body))));
    for (int turn = 0; turn < turns; turn++) {
      lanes.forEach(Race::turn);
    }
    Map<String, Timing> result = new LinkedHashMap<>();
    for (Lane lane : lanes) {
      result.put(
          lane.name, Timing.of(lane.samples.stream().mapToDouble(Double::doubleValue).toArray()));
    }
    return result;
  }

  private record Lane(String name, Runnable body, double estimate, List<Double> samples) {
    Lane(String name, Runnable body, double estimate) {
      this(name, body, estimate, new ArrayList<>());
    }
  }

  /** Runs until the JIT and the caches have seen enough of it: 0.2 s or 2000 runs. */
  private static double warm(Runnable body) {
    long begin = System.nanoTime();
    double last = seconds(body);
    for (int i = 0; i < 2000 && System.nanoTime() - begin < 200_000_000L; i++) {
      last = seconds(body);
    }
    return last;
  }

  private static void turn(Lane lane) {
    pause();
    if (lane.estimate < LONG_SECONDS) {
      lane.body.run();
    }
    double total = 0;
    for (int i = 0; i < MAX_RUNS_PER_TURN && total < TURN_SECONDS; i++) {
      double s = seconds(lane.body);
      lane.samples.add(s);
      total += s;
    }
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while measuring", e);
    }
  }

  private static double seconds(Runnable body) {
    long begin = System.nanoTime();
    body.run();
    return (System.nanoTime() - begin) * 1e-9;
  }
}
