package org.medpruner.eval.stats;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Values in groups: scores of questions by the volume they are about. Questions about one volume
 * are not independent, so volumes, not questions, are what is resampled and exchanged. Immutable.
 */
public final class Clusters {
  private final double[] sums;
  private final int[] sizes;

  private Clusters(double[] sums, int[] sizes) {
    this.sums = sums;
    this.sizes = sizes;
  }

  /**
   * Groups values by their keys, in order of appearance.
   *
   * @param values one per question
   * @param keys the volume of each
   * @throws IllegalArgumentException if the lists differ in size
   */
  public static Clusters of(List<Double> values, List<String> keys) {
    if (values.size() != keys.size()) {
      throw new IllegalArgumentException(
          "values has " + values.size() + " entries, but keys has " + keys.size());
    }
    Map<String, Integer> places = new LinkedHashMap<>();
    keys.forEach(k -> places.putIfAbsent(k, places.size()));
    double[] sums = new double[places.size()];
    int[] sizes = new int[places.size()];
    for (int i = 0; i < keys.size(); i++) {
      Integer place = places.get(keys.get(i));
      if (place != null) {
        sums[place] += values.get(i);
        sizes[place]++;
      }
    }
    return new Clusters(sums, sizes);
  }

  /** Number of groups. */
  public int count() {
    return sums.length;
  }

  double sum(int cluster) {
    return sums[cluster];
  }

  int size(int cluster) {
    return sizes[cluster];
  }

  /** Mean of all values, each weighing the same; NaN when there are none. */
  public double mean() {
    double sum = 0;
    long n = 0;
    for (int k = 0; k < sums.length; k++) {
      sum += sums[k];
      n += sizes[k];
    }
    return sum / n;
  }
}
