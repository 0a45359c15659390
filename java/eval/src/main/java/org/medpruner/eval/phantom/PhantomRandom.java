package org.medpruner.eval.phantom;

import java.util.Collections;
import java.util.List;

/**
 * SplitMix64 with the few draws the generator needs, written out so that a seed gives the same
 * bytes on every Java release and machine: integer operations and exactly rounded IEEE arithmetic
 * only. Not thread-safe.
 */
final class PhantomRandom {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  /** Standard deviation of a sum of four independent uniform 16-bit integers. */
  private static final double SUM_DEVIATION = 65536 / Math.sqrt(3);

  private long state;

  PhantomRandom(long seed) {
    state = seed;
  }

  /** The seed of item {@code index} under {@code seed}; distinct pairs of small numbers differ. */
  static long derive(long seed, long index) {
    return mix(mix(seed * GOLDEN_GAMMA) + index * GOLDEN_GAMMA);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  long nextLong() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  /** Uniform in [0, bound). */
  int below(int bound) {
    return (int) Math.unsignedMultiplyHigh(nextLong(), bound);
  }

  /** Uniform in [low, high). */
  double uniform(double low, double high) {
    return low + (nextLong() >>> 11) * 0x1p-53 * (high - low);
  }

  /**
   * Nearly normal (sum of four uniform 16-bit numbers, so within 3.5 deviations), mean 0, standard
   * deviation 1.
   */
  double bell() {
    long bits = nextLong();
    long sum =
        (bits & 0xFFFF) + (bits >>> 16 & 0xFFFF) + (bits >>> 32 & 0xFFFF) + (bits >>> 48 & 0xFFFF);
    return (sum - 131070.0) / SUM_DEVIATION;
  }

  /** Fisher and Yates. */
  <T> void shuffle(List<T> list) {
    for (int i = list.size() - 1; i > 0; i--) {
      Collections.swap(list, i, below(i + 1));
    }
  }
}
