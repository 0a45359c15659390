package org.medpruner.eval.stats;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/** Percentile bootstrap of a mean, by groups. */
public final class Bootstrap {
  /**
   * Resamples. The ends of a 95 % interval then vary by about 2 % of its width from seed to seed,
   * which is less than a report's last digit for a few hundred questions.
   */
  public static final int RESAMPLES = 10_000;

  private static final double LOW = 0.025;
  private static final double HIGH = 0.975;

  private Bootstrap() {}

  /**
   * The 95 % interval of the mean: groups are drawn with replacement, {@link #RESAMPLES} times. The
   * same data and seed give the same interval.
   *
   * @return null for fewer than two groups, which say nothing about how groups vary
   */
  public static @Nullable Interval mean(Clusters data, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return mean(data, RESAMPLES, random::nextInt);
  }

  /**
   * The same with the draws given.
   *
   * @param draw an index below its argument
   */
  static @Nullable Interval mean(Clusters data, int resamples, IntUnaryOperator draw) {
    int groups = data.count();
    if (groups < 2) {
      return null;
    }
    double[] means = new double[resamples];
    for (int r = 0; r < resamples; r++) {
      double sum = 0;
      long n = 0;
      for (int k = 0; k < groups; k++) {
        int group = draw.applyAsInt(groups);
        sum += data.sum(group);
        n += data.size(group);
      }
      means[r] = sum / n;
    }
    Arrays.sort(means);
    return new Interval(quantile(means, LOW), quantile(means, HIGH));
  }

  /** Quantile with linear interpolation, numpy's default, of ascending values. */
  static double quantile(double[] ascending, double q) {
    double at = q * (ascending.length - 1);
    int below = (int) at;
    double share = at - below;
    return share == 0
        ? ascending[below]
        : ascending[below] + share * (ascending[below + 1] - ascending[below]);
  }
}
