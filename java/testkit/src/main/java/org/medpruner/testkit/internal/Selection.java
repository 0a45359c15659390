package org.medpruner.testkit.internal;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Part of a ragged batch, or the whole in another order.
 *
 * @param rows which rows of the batch, in the new order
 * @param offsets of the new segments
 * @param segments which segment of the batch each new one is
 */
@SuppressWarnings("ArrayRecordComponent")
record Selection(int[] rows, long[] offsets, int[] segments) {

  /** Whole segments in the given order. */
  static Selection ofSegments(long[] offsets, int... segments) {
    long[] bounds = new long[segments.length + 1];
    IntStream.Builder rows = IntStream.builder();
    for (int i = 0; i < segments.length; i++) {
      for (long row = offsets[segments[i]]; row < offsets[segments[i] + 1]; row++) {
        rows.add((int) row);
      }
      bounds[i + 1] = bounds[i] + offsets[segments[i] + 1] - offsets[segments[i]];
    }
    return new Selection(rows.build().toArray(), bounds, segments);
  }

  /** All segments, without the rows in [from, to). */
  static Selection withoutRows(long[] offsets, int from, int to) {
    int n = (int) offsets[offsets.length - 1];
    int[] rows = IntStream.range(0, n).filter(i -> i < from || i >= to).toArray();
    long[] bounds = new long[offsets.length];
    for (int g = 0; g < bounds.length; g++) {
      long before = Math.max(0, Math.min(offsets[g], to) - from);
      bounds[g] = offsets[g] - before;
    }
    return new Selection(rows, bounds, IntStream.range(0, offsets.length - 1).toArray());
  }

  float[] of(float[] values) {
    float[] taken = new float[rows.length];
    for (int i = 0; i < taken.length; i++) {
      taken[i] = values[rows[i]];
    }
    return taken;
  }

  byte[] of(byte[] values) {
    byte[] taken = new byte[rows.length];
    for (int i = 0; i < taken.length; i++) {
      taken[i] = values[rows[i]];
    }
    return taken;
  }

  /** Values per segment. */
  byte @Nullable [] ofSegments(byte @Nullable [] values) {
    if (values == null) {
      return null;
    }
    byte[] taken = new byte[segments.length];
    for (int i = 0; i < taken.length; i++) {
      taken[i] = values[segments[i]];
    }
    return taken;
  }

  /** Offsets over the segments; meaningful where the segments keep their order. */
  long @Nullable [] ofVolumes(long @Nullable [] volumes) {
    if (volumes == null) {
      return null;
    }
    long[] bounds = new long[volumes.length];
    for (int v = 0; v < bounds.length; v++) {
      long end = volumes[v];
      bounds[v] = Arrays.stream(segments).filter(s -> s < end).count();
    }
    return bounds;
  }
}
