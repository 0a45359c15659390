package org.medpruner.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.TensorView;

/**
 * An NDArray that an op fills: in its own memory where the engine tells its address, else beside it
 * and copied at the end. The array belongs to the manager; on failure it is closed here.
 */
final class OutputArray implements AutoCloseable {
  private final NDArray array;
  private final BorrowedArray borrowed;
  private final @Nullable NativeBuffer beside;
  private boolean taken;

  OutputArray(NDManager manager, String name, DataType type, long... shape) {
    array = manager.create(new Shape(shape), type);
    array.setName(name);
    borrowed = BorrowedArray.of(name, array);
    beside =
        borrowed.isShared()
            ? null
            : NativeBuffer.allocate(Device.CPU, BorrowedArray.dtype(type), shape);
  }

  /** Where the op writes, in the array's shape. */
  TensorView view() {
    return view(array.getShape().getShape());
  }

  /** Where the op writes, in another shape of as many elements. */
  TensorView view(long... shape) {
    DType dtype = BorrowedArray.dtype(array.getDataType());
    return beside == null ? borrowed.view(shape) : beside.view(dtype, shape);
  }

  /** The array, filled. */
  NDArray take() {
    if (beside != null && array.size() > 0) {
      array.set(beside.asSegment().asByteBuffer());
    }
    taken = true;
    return array;
  }

  @Override
  public void close() {
    borrowed.close();
    if (beside != null) {
      beside.close();
    }
    if (!taken) {
      array.close();
    }
  }
}
