package org.medpruner.eval.stats;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Two-sided tests of one setting against another on the same questions. */
public final class PairedTests {
  /** Sign patterns drawn where there are too many to try them all. */
  public static final int DRAWS = 10_000;

  /** Groups up to which all sign patterns are tried: 65,536. */
  private static final int MOST_EXACT = 16;

  /** Sums that differ by rounding alone count as equal. */
  private static final double TOLERANCE = 1e-12;

  private PairedTests() {}

  /**
   * McNemar's exact test: whether as many answers became wrong as became right. Questions count as
   * independent.
   *
   * @param onlyFirst answers right under the first setting alone
   * @param onlySecond answers right under the second alone
   * @return p; 1 when no answer changed
   */
  public static double mcNemar(int onlyFirst, int onlySecond) {
    if (onlyFirst < 0 || onlySecond < 0) {
      throw new IllegalArgumentException(
          "counts are " + onlyFirst + " and " + onlySecond + ", but must not be negative");
    }
    int n = onlyFirst + onlySecond;
    int fewer = Math.min(onlyFirst, onlySecond);
    // Binomial tail by the ratios of its terms, from the largest down: nothing can overflow.
    double term = 1;
    double tail = 1;
    for (int k = fewer; k > 0; k--) {
      term *= (double) k / (n - k + 1);
      tail += term;
    }
    return Math.min(1, 2 * tail * Math.exp(logBinomial(n, fewer) - n * Math.log(2)));
  }

  private static double logBinomial(int n, int k) {
    double log = 0;
    for (int i = 1; i <= k; i++) {
      log += Math.log((double) (n - k + i) / i);
    }
    return log;
  }

  /**
   * Permutation test of a mean difference: whether the differences would look the same with the two
   * settings exchanged, group by group. All patterns are tried for up to 16 groups that differ,
   * else {@link #DRAWS} random ones, of which the observed one counts as one more.
   *
   * @param differences of every question's two scores, by volume
   * @return p; 1 when nothing differs
   */
  public static double permutation(Clusters differences, long seed) {
    double[] sums =
        IntStream.range(0, differences.count())
            .mapToDouble(differences::sum)
            .filter(s -> s != 0)
            .toArray();
    double observed = Math.abs(Arrays.stream(sums).sum());
    double least = observed - TOLERANCE * Arrays.stream(sums).map(Math::abs).sum();
    if (sums.length <= MOST_EXACT) {
      int patterns = 1 << sums.length;
      int asFar = 0;
      for (int bits = 0; bits < patterns; bits++) {
        double sum = 0;
        for (int k = 0; k < sums.length; k++) {
          sum += (bits >> k & 1) == 0 ? sums[k] : -sums[k];
        }
        asFar += Math.abs(sum) >= least ? 1 : 0;
      }
      return (double) asFar / patterns;
    }
    SplittableRandom random = new SplittableRandom(seed);
    int asFar = 1;
    for (int r = 0; r < DRAWS; r++) {
      double sum = 0;
      for (double s : sums) {
        sum += random.nextBoolean() ? s : -s;
      }
      asFar += Math.abs(sum) >= least ? 1 : 0;
    }
    return (double) asFar / (DRAWS + 1);
  }

  /**
   * Holm's correction of several tests: p values as if each were the only one.
   *
   * @return in the order given
   */
  public static List<Double> holm(List<Double> p) {
    int n = p.size();
    Integer[] order = IntStream.range(0, n).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.comparing(p::get));
    Double[] adjusted = new Double[n];
    double most = 0;
    for (int rank = 0; rank < n; rank++) {
      most = Math.max(most, Math.min(1, (n - rank) * p.get(order[rank])));
      adjusted[order[rank]] = most;
    }
    return List.of(adjusted);
  }
}
