package org.medpruner.cli.report;

import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;

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
}
