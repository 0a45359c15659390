package org.medpruner.oracle;

/** Conversions of 16-bit floating-point types, given and returned as their bits. */
public final class LowPrecision {
  private LowPrecision() {}

  /** Canonical NaN of bfloat16. */
  private static final short BF16_NAN = 0x7fc0;

  /** Canonical NaN of half precision. */
  private static final short F16_NAN = 0x7e00;

  /**
   * Value of a half; exact.
   *
   * @param bits of an IEEE binary16
   * @return its value; any NaN gives a NaN
   */
  public static float f16ToFloat(short bits) {
    return Float.float16ToFloat(bits);
  }

  /**
   * Nearest half, ties to even; a NaN becomes 0x7e00.
   *
   * @param value any float; beyond 65504 by half a unit or more it becomes infinite
   * @return bits of an IEEE binary16
   */
  public static short floatToF16(float value) {
    return Float.isNaN(value) ? F16_NAN : Float.floatToFloat16(value);
  }

  /**
   * Value of a bfloat16; exact.
   *
   * @param bits the upper half of a float
   * @return that float, its lower half 0
   */
  public static float bf16ToFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /**
   * Nearest bfloat16, ties to even; a NaN becomes 0x7fc0.
   *
   * @param value any float
   * @return bits of a bfloat16
   */
  public static short floatToBf16(float value) {
    if (Float.isNaN(value)) {
      return BF16_NAN;
    }
    int bits = Float.floatToRawIntBits(value);
    // Adds just under half a unit of the upper half, and the missing bit when that half is odd. A
    // carry past the largest finite value gives infinity, as it should.
    int bias = 0x7fff + ((bits >>> 16) & 1);
    return (short) ((bits + bias) >>> 16);
  }

  /**
   * Values of an array of halves; exact.
   *
   * @param bits one IEEE binary16 each
   * @return a new array of the same length
   */
  public static float[] f16ToFloat(short[] bits) {
    float[] values = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] = f16ToFloat(bits[i]);
    }
    return values;
  }

  /**
   * Values of an array of bfloat16; exact.
   *
   * @param bits one bfloat16 each
   * @return a new array of the same length
   */
  public static float[] bf16ToFloat(short[] bits) {
    float[] values = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] = bf16ToFloat(bits[i]);
    }
    return values;
  }
}
