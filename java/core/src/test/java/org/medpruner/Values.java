package org.medpruner;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.medpruner.oracle.LowPrecision;

/** Values of tensors. */
final class Values {
  private Values() {}

  /** Standard normal values. */
  static float[] normal(Random random, int n) {
    return normal(random, n, 1);
  }

  /** Normal values of the given deviation. */
  static float[] normal(Random random, int n, double deviation) {
    float[] v = new float[n];
    for (int i = 0; i < n; i++) {
      v[i] = (float) (random.nextGaussian() * deviation);
    }
    return v;
  }

  /** Values rounded to F16, BF16 or F32, in the bits of the dtype. */
  static byte[] bits(DType dtype, float[] values) {
    ByteBuffer b =
        ByteBuffer.allocate(values.length * dtype.byteSize()).order(ByteOrder.nativeOrder());
    for (float v : values) {
      switch (dtype) {
        case F16 -> b.putShort(LowPrecision.floatToF16(v));
        case BF16 -> b.putShort(LowPrecision.floatToBf16(v));
        default -> b.putFloat(v);
      }
    }
    return b.array();
  }
}
