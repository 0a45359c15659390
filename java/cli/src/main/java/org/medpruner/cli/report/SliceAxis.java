package org.medpruner.cli.report;

import java.util.ArrayList;
import java.util.List;

/** Slots along x and a linear scale along y, shared by the charts so that their slices line up. */
final class SliceAxis {
  static final double WIDTH = 1200;
  static final double LEFT = 64;
  static final double RIGHT = 58;

  /** Slices get no wider slots than this: three slices need not fill the page. */
  private static final double WIDEST_SLOT = 46;

  private final int count;
  private final double slot;

  SliceAxis(int count) {
    this.count = count;
    slot = Math.min(WIDEST_SLOT, (WIDTH - LEFT - RIGHT) / Math.max(1, count));
  }

  /** Width of one slice's slot. */
  double slot() {
    return slot;
  }

  /** Left edge of slice {@code i}'s slot. */
  double start(int i) {
    return LEFT + i * slot;
  }

  /** Middle of slice {@code i}'s slot. */
  double middle(int i) {
    return LEFT + (i + 0.5) * slot;
  }

  /** Right end of the plot; few slices leave room before it. */
  double end() {
    return WIDTH - RIGHT;
  }

  /** Draws a tick and a number under round slice indices. */
  void slices(Html h, double y) {
    int step = 1;
    int[] factors = {2, 5, 10};
    int base = 1;
    // 34 units hold three digits of 12 and a gap.
    for (int k = 0; step * slot < 34; k++) {
      step = base * factors[k % 3];
      base = k % 3 == 2 ? base * 10 : base;
    }
    for (int i = 0; i < count; i += step) {
      String x = Numbers.svg(middle(i));
      String bottom = Numbers.svg(y + 4);
      h.empty("line", "class", "tick", "x1", x, "x2", x, "y1", Numbers.svg(y), "y2", bottom);
      h.leaf("text", Integer.toString(i), "class", "ax mid", "x", x, "y", Numbers.svg(y + 17));
    }
  }

  /** Round values from 0 up to {@code top}, about four steps. */
  static List<Double> ticks(double top) {
    double rough = top / 4;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double f = rough / power;
    double step = (f < 1.5 ? 1 : f < 3.5 ? 2 : f < 7.5 ? 5 : 10) * power;
    List<Double> ticks = new ArrayList<>();
    for (int k = 0; k * step <= top * (1 + 1e-9); k++) {
      ticks.add(k * step);
    }
    return ticks;
  }
}
