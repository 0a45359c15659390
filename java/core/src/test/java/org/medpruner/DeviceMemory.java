package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Test tensors on a device. Every buffer ends in guard bytes, checked by {@link #close}; outputs
 * begin as garbage, so that an op which forgets to write is caught.
 */
final class DeviceMemory implements AutoCloseable {
  private static final int GUARD = 64;
  private static final byte GARBAGE = (byte) 0xa5;

  private final Device device;
  private final Workspace workspace;
  private final List<NativeBuffer> buffers = new ArrayList<>();

  DeviceMemory(Device device) {
    this.device = device;
    this.workspace = Workspace.create(device);
  }

  Device device() {
    return device;
  }

  Workspace workspace() {
    return workspace;
  }

  /** A tensor of garbage. */
  TensorView output(DType dtype, long... shape) {
    long bytes = Shapes.elements(shape, dtype) * dtype.byteSize();
    byte[] garbage = new byte[Math.toIntExact(bytes) + GUARD];
    Arrays.fill(garbage, GARBAGE);
    NativeBuffer b = NativeBuffer.allocate(device, garbage.length);
    buffers.add(b);
    b.copyFrom(garbage);
    return b.view(dtype, shape);
  }

  private TensorView input(MemorySegment values, DType dtype, long... shape) {
    TensorView view = output(dtype, shape);
    assertEquals(view.elements() * dtype.byteSize(), values.byteSize());
    buffer(view).copyFrom(values, 0);
    return view;
  }

  TensorView input(byte[] values, DType dtype, long... shape) {
    return input(MemorySegment.ofArray(values), dtype, shape);
  }

  TensorView input(short[] values, DType dtype, long... shape) {
    return input(MemorySegment.ofArray(values), dtype, shape);
  }

  TensorView input(float[] values, long... shape) {
    return input(MemorySegment.ofArray(values), DType.F32, shape);
  }

  TensorView input(long[] values) {
    return input(MemorySegment.ofArray(values), DType.I64, values.length);
  }

  /** The same matrix with {@code gap} elements of garbage after every row. */
  TensorView strided(TensorView matrix, int gap) {
    int rows = (int) matrix.size(0);
    int rowBytes = (int) matrix.size(1) * matrix.dtype().byteSize();
    int stride = rowBytes + gap * matrix.dtype().byteSize();
    byte[] compact = bytes(matrix);
    TensorView wide = output(matrix.dtype(), rows, matrix.size(1) + gap);
    for (int r = 0; r < rows; r++) {
      MemorySegment row = MemorySegment.ofArray(compact).asSlice((long) r * rowBytes, rowBytes);
      buffer(wide).copyFrom(row, (long) r * stride);
    }
    return TensorView.strided(
            wide.address(),
            matrix.dtype(),
            matrix.shape(),
            new long[] {matrix.size(1) + gap, 1},
            device)
        .withOwner(buffer(wide));
  }

  private static NativeBuffer buffer(TensorView view) {
    if (view.owner() instanceof NativeBuffer b) {
      return b;
    }
    throw new AssertionError("not a test tensor: " + view);
  }

  byte[] bytes(TensorView view) {
    byte[] a = new byte[(int) view.elements() * view.dtype().byteSize()];
    buffer(view).copyTo(a);
    return a;
  }

  /** Rows of a strided matrix, compacted. */
  byte[] rowBytes(TensorView view) {
    int rowBytes = (int) view.size(1) * view.dtype().byteSize();
    byte[] a = new byte[(int) view.size(0) * rowBytes];
    for (int r = 0; r < view.size(0); r++) {
      MemorySegment row = MemorySegment.ofArray(a).asSlice((long) r * rowBytes, rowBytes);
      buffer(view).copyTo(row, r * view.stride(0) * view.dtype().byteSize());
    }
    return a;
  }

  short[] shorts(TensorView view) {
    short[] a = new short[(int) view.elements()];
    buffer(view).copyTo(a);
    return a;
  }

  int[] ints(TensorView view) {
    int[] a = new int[(int) view.elements()];
    buffer(view).copyTo(a);
    return a;
  }

  long[] longs(TensorView view) {
    long[] a = new long[(int) view.elements()];
    buffer(view).copyTo(a);
    return a;
  }

  float[] floats(TensorView view) {
    float[] a = new float[(int) view.elements()];
    buffer(view).copyTo(a);
    return a;
  }

  double[] doubles(TensorView view) {
    double[] a = new double[(int) view.elements()];
    buffer(view).copyTo(a);
    return a;
  }

  @Override
  public void close() {
    workspace.close();
    for (NativeBuffer b : buffers) {
      if (!b.isClosed()) {
        byte[] guard = new byte[GUARD];
        b.copyTo(MemorySegment.ofArray(guard), b.byteSize() - GUARD);
        b.close();
        for (byte g : guard) {
          assertEquals(GARBAGE, g, "an op wrote past the end of " + b);
        }
      }
    }
  }
}
