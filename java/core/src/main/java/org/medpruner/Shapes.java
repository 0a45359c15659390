package org.medpruner;

import java.util.Arrays;

/** Overflow-checked arithmetic on extents and strides. */
final class Shapes {
  private Shapes() {}

  /** Number of elements; refuses negative extents and sizes beyond 2^63 bytes. */
  static long elements(long[] shape, DType dtype) {
    Check.notNull("dtype", dtype);
    Check.notNull("shape", shape);
    long count = 1;
    boolean empty = false;
    for (long extent : shape) {
      if (extent < 0) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(shape) + ": extents must be >= 0");
      }
      empty |= extent == 0;
    }
    if (empty) {
      return 0;
    }
    try {
      for (long extent : shape) {
        count = Math.multiplyExact(count, extent);
      }
      Math.multiplyExact(count, (long) dtype.byteSize());
      return count;
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "shape " + Arrays.toString(shape) + " of " + dtype + ": its size in bytes overflows", e);
    }
  }

  /** Row-major strides; 1 where the product would overflow, which only an empty shape can do. */
  static long[] compact(long[] shape) {
    long[] strides = new long[shape.length];
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      long extent = Math.max(shape[i], 1);
      stride = Math.multiplyHigh(stride, extent) == 0 && stride * extent > 0 ? stride * extent : 1;
    }
    return strides;
  }

  /** Whether dimensions {@code from}.. lie densely in row-major order. */
  static boolean isCompact(long[] shape, long[] strides, int from) {
    for (long extent : shape) {
      if (extent == 0) {
        return true;
      }
    }
    long expected = 1;
    for (int i = shape.length - 1; i >= from; i--) {
      if (shape[i] > 1 && strides[i] != expected) {
        return false;
      }
      expected *= shape[i];
    }
    return true;
  }

  /**
   * Bytes from element 0 to the first byte (at most 0) and past the last one; of a non-empty shape.
   */
  static long[] byteRange(long[] shape, long[] strides, DType dtype) {
    try {
      long low = 0;
      long high = 0;
      for (int i = 0; i < shape.length; i++) {
        long reach = Math.multiplyExact(shape[i] - 1, strides[i]);
        if (reach < 0) {
          low = Math.addExact(low, reach);
        } else {
          high = Math.addExact(high, reach);
        }
      }
      long size = dtype.byteSize();
      return new long[] {
        Math.multiplyExact(low, size), Math.addExact(Math.multiplyExact(high, size), size)
      };
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "strides " + Arrays.toString(strides) + ": their reach in bytes overflows", e);
    }
  }
}
