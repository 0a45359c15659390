package org.medpruner.eval.html;

import java.util.ArrayList;
import java.util.List;

/** Round values for the axes of charts. */
public final class Ticks {
  private Ticks() {}

  /** Round values from 0 up to {@code top}, about four steps. */
  public static List<Double> upTo(double top) {
    return between(0, top);
  }

  /** Round values from {@code low} to {@code high}, about four steps. */
  public static List<Double> between(double low, double high) {
    double rough = (high - low) / 4;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double f = rough / power;
    double step = (f < 1.5 ? 1 : f < 3.5 ? 2 : f < 7.5 ? 5 : 10) * power;
    List<Double> ticks = new ArrayList<>();
    double slack = step * 1e-9;
    for (long k = (long) Math.ceil((low - slack) / step); k * step <= high + slack; k++) {
      ticks.add(k * step);
    }
    return ticks;
  }
}
