package org.medpruner;

import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Checks of op arguments; every message begins with the argument's name. */
final class Check {
  /** Any extent, in an expected shape. */
  static final long ANY = -1;

  private Check() {}

  static IllegalArgumentException bad(String name, String what) {
    return new IllegalArgumentException(name + ": " + what);
  }

  static void that(boolean ok, String name, Object value, String rule) {
    if (!ok) {
      throw bad(name, "is " + value + ", but must be " + rule);
    }
  }

  static <T> T notNull(String name, @Nullable T value) {
    if (value == null) {
      throw bad(name, "must not be null");
    }
    return value;
  }

  /** A compact tensor of one dtype and shape. */
  static void compact(
      String name, @Nullable TensorView t, Device device, DType dtype, long... shape) {
    TensorView v = strided(name, t, device, dtype, shape);
    if (!v.isCompact()) {
      throw bad(name, "must be compact row-major, but is " + v);
    }
  }

  /** As {@link #compact}, written to. */
  static void output(
      String name, @Nullable TensorView t, Device device, DType dtype, long... shape) {
    compact(name, t, device, dtype, shape);
    writable(name, t);
  }

  static void writable(String name, @Nullable TensorView t) {
    if (t != null && t.isReadOnly()) {
      throw bad(name, "is an output, but its segment is read-only");
    }
  }

  /** A tensor of one dtype and shape whose last dimension is contiguous. */
  static void rows(String name, @Nullable TensorView t, Device device, DType dtype, long... shape) {
    TensorView v = strided(name, t, device, dtype, shape);
    int last = v.rank() - 1;
    if (v.elements() > 0 && v.size(last) > 1 && v.stride(last) != 1) {
      throw bad(name, "its last dimension must be contiguous, but it is " + v);
    }
  }

  private static TensorView strided(
      String name, @Nullable TensorView t, Device device, DType dtype, long... shape) {
    TensorView v = notNull(name, t);
    if (!v.device().equals(device)) {
      throw bad(name, "is on " + v.device() + ", but the op runs on " + device);
    }
    boolean fits = v.dtype() == dtype && v.rank() == shape.length;
    for (int i = 0; fits && i < shape.length; i++) {
      fits = shape[i] == ANY || shape[i] == v.size(i);
    }
    if (!fits) {
      throw bad(
          name, "must be " + describe(dtype, shape) + ", but is " + describe(v.dtype(), v.shape()));
    }
    if (v.elements() > 0) {
      if (v.address() == 0) {
        throw bad(name, "its address is null");
      }
      if (v.address() % v.dtype().byteSize() != 0) {
        throw bad(
            name,
            "its address 0x"
                + Long.toHexString(v.address())
                + " is not aligned to "
                + v.dtype().byteSize()
                + " bytes");
      }
      v.requireAccess(name);
    }
    return v;
  }

  static DType oneOf(String name, @Nullable TensorView t, DType... allowed) {
    DType dtype = notNull(name, t).dtype();
    if (!Arrays.asList(allowed).contains(dtype)) {
      throw bad(name, "dtype is " + dtype + ", but must be one of " + Arrays.toString(allowed));
    }
    return dtype;
  }

  static void rank(String name, TensorView t, int rank) {
    if (t.rank() != rank) {
      throw bad(
          name, "must have " + rank + " dimensions, but has shape " + Arrays.toString(t.shape()));
    }
  }

  /** Offsets of at least one entry; returns the number of segments. */
  static long offsets(String name, @Nullable TensorView t, Device device) {
    compact(name, t, device, DType.I64, ANY);
    long entries = notNull(name, t).size(0);
    that(entries >= 1, name, "I64[" + entries + "]", "I64[segments + 1]");
    return entries - 1;
  }

  static void stream(Stream stream, Device device) {
    notNull("stream", stream);
    if (stream.device() != null && !device.equals(stream.device())) {
      throw bad("stream", "is on " + stream.device() + ", but the op runs on " + device);
    }
  }

  static void workspace(@Nullable TensorView workspace, Device device) {
    compact("workspace", workspace, device, DType.U8, ANY);
    if (notNull("workspace", workspace).address() % 16 != 0) {
      throw bad("workspace", "its address is not aligned to 16 bytes");
    }
    writable("workspace", workspace);
  }

  private static String describe(DType dtype, long[] shape) {
    StringBuilder s = new StringBuilder(dtype.name().toLowerCase(Locale.ROOT)).append('[');
    for (int i = 0; i < shape.length; i++) {
      s.append(i == 0 ? "" : ", ").append(shape[i] == ANY ? "any" : Long.toString(shape[i]));
    }
    return s.append(']').toString();
  }
}
