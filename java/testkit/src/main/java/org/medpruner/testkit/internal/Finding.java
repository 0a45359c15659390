package org.medpruner.testkit.internal;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.medpruner.testkit.HostTensor;

/** What a comparison found. */
sealed interface Finding {
  /** The rule holds. */
  record Holds() implements Finding {}

  /** It does not, and why. */
  record Broken(String difference) implements Finding {}

  /** The target does not give the output. */
  record NotGiven(String output) implements Finding {}

  /** The only value. */
  Finding HOLDS = new Holds();

  /**
   * Compares the bits of two outputs: arrays of bytes, ints, longs, floats or doubles, or tensors.
   *
   * @param name of the output
   */
  static Finding bits(String name, @Nullable Object expected, @Nullable Object actual) {
    if (expected == null) {
      return HOLDS;
    }
    if (actual == null) {
      return new NotGiven(name);
    }
    return switch (expected) {
      case byte[] e -> {
        byte[] a = (byte[]) actual;
        yield values(name, e.length, a.length, i -> e[i], i -> a[i]);
      }
      case int[] e -> {
        int[] a = (int[]) actual;
        yield values(name, e.length, a.length, i -> e[i], i -> a[i]);
      }
      case long[] e -> {
        long[] a = (long[]) actual;
        yield values(name, e.length, a.length, i -> e[i], i -> a[i]);
      }
      case float[] e -> {
        float[] a = (float[]) actual;
        yield values(name, e.length, a.length, i -> new Bits(e[i]), i -> new Bits(a[i]));
      }
      case double[] e -> {
        double[] a = (double[]) actual;
        yield values(name, e.length, a.length, i -> new Bits(e[i]), i -> new Bits(a[i]));
      }
      case HostTensor e -> tensors(name, e, (HostTensor) actual);
      default -> throw new AssertionError(name);
    };
  }

  private static Finding tensors(String name, HostTensor e, HostTensor a) {
    if (e.equals(a)) {
      return HOLDS;
    }
    if (e.dtype() != a.dtype() || !Arrays.equals(e.shape(), a.shape())) {
      return new Broken(
          name
              + ": expected "
              + e.dtype()
              + Arrays.toString(e.shape())
              + ", got "
              + a.dtype()
              + Arrays.toString(a.shape()));
    }
    int size = e.dtype().byteSize();
    byte[] expected = e.bytes();
    byte[] actual = a.bytes();
    float[] expectedValues = e.values();
    float[] actualValues = a.values();
    return values(
        name,
        e.elements(),
        a.elements(),
        i -> new Element(expectedValues[i], Arrays.copyOfRange(expected, i * size, (i + 1) * size)),
        i -> new Element(actualValues[i], Arrays.copyOfRange(actual, i * size, (i + 1) * size)));
  }

  /** A floating number with its bits, by which it is compared. */
  record Bits(double value, long bits, boolean single) {
    Bits(float value) {
      this(value, Float.floatToRawIntBits(value), true);
    }

    Bits(double value) {
      this(value, Double.doubleToRawLongBits(value), false);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Bits b && bits == b.bits;
    }

    @Override
    public int hashCode() {
      return Long.hashCode(bits);
    }

    @Override
    public String toString() {
      String shown = single ? Float.toString((float) value) : Double.toString(value);
      return shown + " (0x" + Long.toHexString(single ? bits & 0xffffffffL : bits) + ")";
    }
  }

  /** A tensor's element, compared by its bytes. */
  @SuppressWarnings("ArrayRecordComponent")
  record Element(float value, byte[] bytes) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Element e && Arrays.equals(bytes, e.bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
      StringBuilder hex = new StringBuilder();
      for (int i = bytes.length - 1; i >= 0; i--) {
        hex.append(String.format("%02x", bytes[i]));
      }
      return value + " (0x" + hex + ")";
    }
  }

  private static Finding values(
      String name, int expected, int actual, IntFunction<Object> e, IntFunction<Object> a) {
    if (expected != actual) {
      return new Broken(name + ": expected " + expected + " values, got " + actual);
    }
    int different = 0;
    String first = "";
    for (int i = 0; i < expected; i++) {
      Object x = e.apply(i);
      Object y = a.apply(i);
      if (!Objects.equals(x, y)) {
        if (different++ == 0) {
          first = name + "[" + i + "]: expected " + x + ", got " + y;
        }
      }
    }
    return different == 0 ? HOLDS : new Broken(first + others(different - 1));
  }

  /**
   * Compares floats within a tolerance relative to the greater of |expected| and {@code least}; a
   * NaN is only like a NaN, an infinity only like itself.
   */
  static Finding close(
      String name,
      float @Nullable [] expected,
      float @Nullable [] actual,
      double tolerance,
      double least) {
    return close(name, expected, actual, i -> tolerance, least);
  }

  /** As the other, with a tolerance for each value. */
  static Finding close(
      String name,
      float @Nullable [] expected,
      float @Nullable [] actual,
      IntToDoubleFunction tolerance,
      double least) {
    if (expected == null) {
      return HOLDS;
    }
    if (actual == null) {
      return new NotGiven(name);
    }
    if (expected.length != actual.length) {
      return new Broken(name + ": expected " + expected.length + " values, got " + actual.length);
    }
    int different = 0;
    String first = "";
    for (int i = 0; i < expected.length; i++) {
      double e = expected[i];
      double a = actual[i];
      double within = tolerance.applyAsDouble(i);
      // Every number lies within any share of an infinity.
      boolean near = Double.isFinite(e) && Math.abs(e - a) <= within * Math.max(Math.abs(e), least);
      if (Double.compare(e, a) != 0 && !near && different++ == 0) {
        first = name + "[" + i + "]: expected " + e + " within " + within + ", got " + a;
      }
    }
    return different == 0 ? HOLDS : new Broken(first + others(different - 1));
  }

  private static String others(int count) {
    return count == 0 ? "" : " (and " + count + " more)";
  }
}
