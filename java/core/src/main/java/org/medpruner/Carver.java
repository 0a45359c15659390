package org.medpruner;

import org.jspecify.annotations.Nullable;

/**
 * Lays several compact tensors into one buffer, each aligned to 256 bytes; or only measures them.
 */
final class Carver {
  private static final long ALIGNMENT = 256;

  private final @Nullable NativeBuffer buffer;
  private long used;

  private Carver(@Nullable NativeBuffer buffer) {
    this.buffer = buffer;
  }

  /** Counts bytes; the views it gives have no memory. */
  static Carver measure() {
    return new Carver(null);
  }

  static Carver in(NativeBuffer buffer) {
    return new Carver(Check.notNull("buffer", buffer));
  }

  TensorView next(DType dtype, long... shape) {
    long bytes = Shapes.elements(shape, dtype) * dtype.byteSize();
    TensorView view =
        buffer == null
            ? TensorView.of(0, dtype, shape, Device.CPU)
            : buffer.viewAt(used, dtype, shape);
    try {
      used = Math.addExact(used, Math.addExact(bytes, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("outputs: their size in bytes overflows", e);
    }
    return view;
  }

  long used() {
    return used;
  }
}
