package org.medpruner.cli.report;

import org.medpruner.eval.html.Chart;
import org.medpruner.eval.html.Html;

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

  /** Draws a line from one end of the plot to the other. */
  void line(Html h, String cssClass, double y) {
    Chart.line(h, cssClass, LEFT, end(), y, y);
  }

  /** Draws a grid line and what it stands for. */
  void grid(Html h, double y, String value) {
    line(h, "grid", y);
    Chart.text(h, value, "ax end", LEFT - 8, y + 4);
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
      Chart.line(h, "tick", middle(i), middle(i), y, y + 4);
      Chart.text(h, Integer.toString(i), "ax mid", middle(i), y + 17);
    }
  }
}
