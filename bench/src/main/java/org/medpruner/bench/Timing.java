package org.medpruner.bench;

import java.util.Arrays;

/**
 * Times of one thing in seconds.
 *
 * @param runs how many there were
 */
public record Timing(double median, double min, double max, int runs) {
  /** Of at least one run. */
  public static Timing of(double[] seconds) {
    double[] sorted = seconds.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    return new Timing(median, sorted[0], sorted[n - 1], n);
  }

  /** How many times as long this took, by the medians. */
  double over(Timing other) {
    return median / other.median;
  }
}
