package org.medpruner.testkit.internal;

import java.util.Random;
import org.medpruner.DType;
import org.medpruner.testkit.Op;

/** Random sources of cases: one for each, so that a case does not depend on those before it. */
final class Seeds {
  private Seeds() {}

  /** The source of one case. */
  static Random of(long seed, Op op, DType dtype, String name) {
    long mixed = seed;
    for (int part : new int[] {op.id().hashCode(), dtype.name().hashCode(), name.hashCode()}) {
      mixed = mix(mixed + part);
    }
    return new Random(mixed);
  }

  /** The finalizer of SplitMix64. */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
