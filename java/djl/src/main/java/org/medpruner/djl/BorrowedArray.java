package org.medpruner.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.TensorView;

/**
 * An NDArray's elements in host memory, as a {@link TensorView} for MedPruner's ops.
 *
 * {@snippet :
 * try (BorrowedArray volume = BorrowedArray.of(array)) {
 *   SliceAnchor.run(params, volume.view(depth, size), offsets, outputs, workspace, Stream.DEFAULT);
 * }
 * }
 *
 * <p>The memory is the array's own, and what is written is seen on the other side, where the engine
 * tells its address and the elements lie densely in row-major order: {@link #isShared}. Else it is
 * a copy of the elements in that order. DJL's PyTorch engine shares.
 *
 * <p>The array must stay open, and be used by nobody who writes, until {@link #close}, which frees
 * what was copied and leaves the array alone; it is idempotent. One thread at a time.
 */
public final class BorrowedArray implements AutoCloseable {
  private final NDArray array;
  private final DType dtype;
  private final long[] shape;
  private final boolean shared;
  private final @Nullable MemorySegment memory;
  private final @Nullable NDManager scope;
  private final @Nullable NativeBuffer copy;
  private boolean closed;

  private BorrowedArray(
      NDArray array,
      boolean shared,
      @Nullable MemorySegment memory,
      @Nullable NDManager scope,
      @Nullable NativeBuffer copy) {
    this.array = array;
    this.dtype = dtype(array.getDataType());
    this.shape = array.getShape().getShape();
    this.shared = shared;
    this.memory = memory;
    this.scope = scope;
    this.copy = copy;
  }

  /**
   * Borrows an array's elements.
   *
   * @param array dense, on the CPU; it stays the caller's
   * @return an open loan, the caller's to close before the array
   * @throws IllegalStateException if the array is closed
   * @throws IllegalArgumentException if it is on a GPU, whose addresses DJL does not tell, sparse,
   *     of a data type that {@link DType} does not have, or 2 GiB or larger
   */
  public static BorrowedArray of(NDArray array) {
    return of("array", array);
  }

  /** As the other one, with the name that messages begin with. */
  static BorrowedArray of(String name, NDArray array) {
    if (array.isReleased()) {
      throw new IllegalStateException(name + ": the NDArray is closed");
    }
    if (!array.getDevice().equals(ai.djl.Device.cpu())) {
      throw new IllegalArgumentException(
          name
              + (": is on " + array.getDevice() + ", of whose memory DJL tells no address;")
              + " move it with toDevice(Device.cpu(), false)");
    }
    if (array.isSparse()) {
      throw new IllegalArgumentException(name + ": is sparse; use toDense()");
    }
    DType dtype = dtype(name, array.getDataType());
    long bytes = Math.multiplyExact(array.size(), (long) dtype.byteSize());
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          name + ": " + bytes + " bytes, but DJL hands out less than 2 GiB; split it");
    }
    return bytes == 0 ? new BorrowedArray(array, false, null, null, null) : borrow(array, bytes);
  }

  private static BorrowedArray borrow(NDArray array, long bytes) {
    // The engine may make a copy, which belongs to the manager of what it is asked for.
    NDManager scope = array.getManager().newSubManager();
    try {
      NDArray alias = array.reshape(array.getShape());
      alias.attach(scope);
      ByteBuffer buffer = alias.toByteBuffer(true);
      if (!buffer.isDirect()) {
        NativeBuffer copy = NativeBuffer.allocate(Device.CPU, bytes);
        copy.copyFrom(MemorySegment.ofBuffer(buffer), 0);
        scope.close();
        return new BorrowedArray(array, false, null, null, copy);
      }
      MemorySegment memory = MemorySegment.ofBuffer(buffer);
      // A copy is another one each time.
      MemorySegment again = MemorySegment.ofBuffer(alias.toByteBuffer(true));
      return new BorrowedArray(array, memory.address() == again.address(), memory, scope, null);
    } catch (RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  /**
   * The elements in the array's shape.
   *
   * @return a compact view on the CPU, valid until this is closed
   * @throws IllegalStateException if this or the array is closed
   */
  public TensorView view() {
    return view(shape);
  }

  /**
   * The elements in another shape of as many.
   *
   * @param extents of the view, row-major
   * @return a compact view on the CPU, valid until this is closed
   * @throws IllegalStateException if this or the array is closed
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public TensorView view(long... extents) {
    if (closed || array.isReleased()) {
      throw new IllegalStateException(
          (closed ? "the borrowed" : "the NDArray that was borrowed") + " array is closed");
    }
    if (new Shape(extents).size() != new Shape(shape).size()) {
      throw new IllegalArgumentException(
          "extents: " + new Shape(extents) + " has not as many elements as " + new Shape(shape));
    }
    if (copy != null) {
      return copy.view(dtype, extents);
    }
    return memory == null
        ? TensorView.of(0, dtype, extents, Device.CPU)
        : TensorView.of(memory, dtype, extents);
  }

  /** {@return whether the memory is the array's own; an array without elements shares nothing} */
  public boolean isShared() {
    return shared;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        if (scope != null) {
          scope.close();
        }
        if (copy != null) {
          copy.close();
        }
      } finally {
        Reference.reachabilityFence(array);
      }
    }
  }

  /**
   * MedPruner's dtype of DJL's data type; a boolean is a U8, 0 or 1.
   *
   * @param type of an array
   * @return the dtype of the same bits
   * @throws IllegalArgumentException if there is none
   */
  public static DType dtype(DataType type) {
    return dtype("array", type);
  }

  private static DType dtype(String name, DataType type) {
    return switch (type) {
      case UINT8, BOOLEAN -> DType.U8;
      case INT8 -> DType.I8;
      case INT16 -> DType.I16;
      case INT32 -> DType.I32;
      case UINT32 -> DType.U32;
      case INT64 -> DType.I64;
      case FLOAT16 -> DType.F16;
      case BFLOAT16 -> DType.BF16;
      case FLOAT32 -> DType.F32;
      case FLOAT64 -> DType.F64;
      default -> throw new IllegalArgumentException(name + ": data type " + type + " has no dtype");
    };
  }
}
