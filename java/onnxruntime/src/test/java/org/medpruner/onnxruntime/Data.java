package org.medpruner.onnxruntime;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.medpruner.DType;
import org.medpruner.oracle.LowPrecision;

/** Inputs of the tests, and index lists as a graph returns them. */
final class Data {
  private Data() {}

  static long[] offsets(int... lengths) {
    long[] offsets = new long[lengths.length + 1];
    for (int i = 0; i < lengths.length; i++) {
      offsets[i + 1] = offsets[i] + lengths[i];
    }
    return offsets;
  }

  static float[] normal(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Slices of which about every third is another picture, the others nearly their predecessor. */
  static float[] slices(Random random, int depth, int size) {
    float[] values = new float[depth * size];
    for (int i = 0; i < depth; i++) {
      boolean other = i == 0 || random.nextInt(3) == 0;
      for (int j = 0; j < size; j++) {
        values[i * size + j] =
            other
                ? random.nextFloat() * 2 - 1
                : values[(i - 1) * size + j] + (random.nextFloat() - 0.5f) * 0.05f;
      }
    }
    return values;
  }

  static short[] bits(DType dtype, float[] values) {
    short[] bits = new short[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] =
          dtype == DType.F16
              ? LowPrecision.floatToF16(values[i])
              : LowPrecision.floatToBf16(values[i]);
    }
    return bits;
  }

  /** The first counts[g] entries of every segment: what the ops of a graph return. */
  static long[] packed(long[] indices, long[] counts, long[] offsets) {
    return IntStream.range(0, counts.length)
        .boxed()
        .flatMapToLong(
            g -> Arrays.stream(indices, (int) offsets[g], (int) (offsets[g] + counts[g])))
        .toArray();
  }

  static long[] widened(int[] values) {
    return Arrays.stream(values).asLongStream().toArray();
  }
}
