package org.medpruner.volume;

/** NumPy's {@code linspace(0, n - 1, wanted, dtype=int)}: fractions are cut off, not rounded. */
final class Linspace {
  private Linspace() {}

  static int[] indices(int n, int wanted) {
    int[] indices = new int[wanted];
    double step = wanted > 1 ? (n - 1) / (double) (wanted - 1) : 0;
    for (int i = 0; i < wanted; i++) {
      indices[i] = (int) Math.floor(i * step);
    }
    if (wanted > 1) {
      indices[wanted - 1] = n - 1;
    }
    return indices;
  }
}
