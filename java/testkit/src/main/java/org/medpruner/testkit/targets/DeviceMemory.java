package org.medpruner.testkit.targets;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.TensorView;
import org.medpruner.Workspace;
import org.medpruner.testkit.HostTensor;

/**
 * Tensors of one call on a device. Outputs begin as garbage, so that an op which forgets to write
 * is caught, and end in bytes that must stay as they are.
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

  Workspace workspace() {
    return workspace;
  }

  /** A tensor of garbage. */
  TensorView output(DType dtype, long... shape) {
    long bytes = dtype.byteSize();
    for (long extent : shape) {
      bytes = Math.multiplyExact(bytes, extent);
    }
    byte[] garbage = new byte[Math.toIntExact(Math.addExact(bytes, GUARD))];
    Arrays.fill(garbage, GARBAGE);
    NativeBuffer buffer = NativeBuffer.allocate(device, garbage.length);
    buffers.add(buffer);
    buffer.copyFrom(garbage);
    return buffer.view(dtype, shape);
  }

  TensorView input(HostTensor values) {
    long[] shape = Arrays.stream(values.shape()).asLongStream().toArray();
    return fill(output(values.dtype(), shape), values.bytes());
  }

  TensorView input(byte[] values) {
    return fill(output(DType.U8, values.length), values);
  }

  TensorView input(float[] values, long... shape) {
    TensorView view = output(DType.F32, shape);
    buffer(view).copyFrom(values);
    return view;
  }

  TensorView input(long[] values) {
    TensorView view = output(DType.I64, values.length);
    buffer(view).copyFrom(values);
    return view;
  }

  private static TensorView fill(TensorView view, byte[] values) {
    buffer(view).copyFrom(values);
    return view;
  }

  private static NativeBuffer buffer(TensorView view) {
    if (view.owner() instanceof NativeBuffer b) {
      return b;
    }
    throw new IllegalArgumentException("view: is not of this memory");
  }

  byte[] bytes(TensorView view) {
    byte[] a = new byte[Math.toIntExact(view.elements()) * view.dtype().byteSize()];
    buffer(view).copyTo(a);
    return a;
  }

  int[] ints(TensorView view) {
    int[] a = new int[Math.toIntExact(view.elements())];
    buffer(view).copyTo(a);
    return a;
  }

  long[] longs(TensorView view) {
    long[] a = new long[Math.toIntExact(view.elements())];
    buffer(view).copyTo(a);
    return a;
  }

  float[] floats(TensorView view) {
    float[] a = new float[Math.toIntExact(view.elements())];
    buffer(view).copyTo(a);
    return a;
  }

  double[] doubles(TensorView view) {
    double[] a = new double[Math.toIntExact(view.elements())];
    buffer(view).copyTo(a);
    return a;
  }

  /** The first rows of a matrix. */
  HostTensor rows(TensorView matrix, int count) {
    int columns = (int) matrix.size(1);
    byte[] all = bytes(matrix);
    return HostTensor.ofBytes(
        matrix.dtype(),
        Arrays.copyOf(all, count * columns * matrix.dtype().byteSize()),
        count,
        columns);
  }

  /**
   * Frees all.
   *
   * @throws IllegalStateException if an op wrote past the end of a tensor
   */
  @Override
  public void close() {
    workspace.close();
    boolean intact = true;
    for (NativeBuffer b : buffers) {
      byte[] all = new byte[(int) b.byteSize()];
      b.copyTo(all);
      b.close();
      for (int i = all.length - GUARD; i < all.length; i++) {
        intact &= all[i] == GARBAGE;
      }
    }
    if (!intact) {
      throw new IllegalStateException("the op wrote past the end of a tensor");
    }
  }
}
