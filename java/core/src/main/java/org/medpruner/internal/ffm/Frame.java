package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.medpruner.internal.ffm.Layouts.TENSOR;
import static org.medpruner.internal.ffm.Layouts.offset;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import org.jspecify.annotations.Nullable;
import org.medpruner.Device;
import org.medpruner.TensorView;

/** The descriptors of one call, in one confined block that is freed when the call is over. */
final class Frame implements AutoCloseable {
  private static final long DATA = offset(TENSOR, "data");
  private static final long DEVICE_TYPE = offset(TENSOR, "device.device_type");
  private static final long DEVICE_ID = offset(TENSOR, "device.device_id");
  private static final long NDIM = offset(TENSOR, "ndim");
  private static final long DTYPE_CODE = offset(TENSOR, "dtype.code");
  private static final long DTYPE_BITS = offset(TENSOR, "dtype.bits");
  private static final long DTYPE_LANES = offset(TENSOR, "dtype.lanes");
  private static final long SHAPE = offset(TENSOR, "shape");
  private static final long STRIDES = offset(TENSOR, "strides");

  // 17 tensors of up to 3 dimensions (96 bytes each) and a params struct (144) take 1776 bytes.
  private static final long CAPACITY = 2048;

  private final Arena arena = Arena.ofConfined();
  private final SegmentAllocator memory =
      SegmentAllocator.slicingAllocator(arena.allocate(CAPACITY, Long.BYTES));

  /** A tensor's DLTensor; NULL for none. */
  MemorySegment tensor(@Nullable TensorView view) {
    if (view == null) {
      return MemorySegment.NULL;
    }
    MemorySegment t = memory.allocate(TENSOR);
    t.set(ADDRESS, DATA, MemorySegment.ofAddress(view.address()));
    t.set(JAVA_INT, DEVICE_TYPE, view.device().kind().code());
    t.set(JAVA_INT, DEVICE_ID, view.device().index());
    t.set(JAVA_INT, NDIM, view.rank());
    t.set(JAVA_BYTE, DTYPE_CODE, (byte) view.dtype().code());
    t.set(JAVA_BYTE, DTYPE_BITS, (byte) view.dtype().bits());
    t.set(JAVA_SHORT, DTYPE_LANES, (short) 1);
    t.set(ADDRESS, SHAPE, memory.allocateFrom(JAVA_LONG, view.shape()));
    t.set(ADDRESS, STRIDES, memory.allocateFrom(JAVA_LONG, view.strides()));
    return t;
  }

  MemorySegment device(Device device) {
    MemorySegment d = memory.allocate(Layouts.DEVICE);
    d.set(JAVA_INT, 0, device.kind().code());
    d.set(JAVA_INT, JAVA_INT.byteSize(), device.index());
    return d;
  }

  /** A zeroed struct whose first field, its size, is set. */
  MemorySegment sized(StructLayout layout) {
    MemorySegment s = memory.allocate(layout);
    s.set(JAVA_INT, 0, (int) layout.byteSize());
    return s;
  }

  /** Room for one {@code void*} or {@code size_t} result. */
  MemorySegment word() {
    return memory.allocate(JAVA_LONG);
  }

  /** Room for a text result. */
  MemorySegment text(long capacity) {
    return memory.allocate(capacity);
  }

  /** A struct inside a struct, its size set. */
  static MemorySegment nested(
      MemorySegment struct, StructLayout layout, String field, StructLayout inner) {
    MemorySegment s = struct.asSlice(offset(layout, field), inner);
    s.set(JAVA_INT, 0, (int) inner.byteSize());
    return s;
  }

  static void set(MemorySegment struct, StructLayout layout, String field, int value) {
    struct.set(JAVA_INT, offset(layout, field), value);
  }

  static void set(MemorySegment struct, StructLayout layout, String field, long value) {
    struct.set(JAVA_LONG, offset(layout, field), value);
  }

  static void set(MemorySegment struct, StructLayout layout, String field, double value) {
    struct.set(JAVA_DOUBLE, offset(layout, field), value);
  }

  @Override
  public void close() {
    arena.close();
  }
}
