package org.medpruner.bench;

/** Times as people read them. */
public final class Times {
  private Times() {}

  /** With three digits and a unit from s to ns. */
  public static String show(double seconds) {
    double size = Math.abs(seconds);
    if (size >= 1) {
      return digits(seconds) + " s";
    }
    if (size >= 1e-3) {
      return digits(seconds * 1e3) + " ms";
    }
    if (size >= 1e-6) {
      return digits(seconds * 1e6) + " us";
    }
    return digits(seconds * 1e9) + " ns";
  }

  private static String digits(double value) {
    double size = Math.abs(value);
    return String.format(size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
  }
}
