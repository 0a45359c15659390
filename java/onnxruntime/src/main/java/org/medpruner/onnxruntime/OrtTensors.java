package org.medpruner.onnxruntime;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.TensorView;

/**
 * ONNX Runtime's tensors as {@link TensorView}s and back. Thread-safe.
 *
 * <p>ONNX Runtime's Java API lends memory in one direction: a tensor made from a direct buffer uses
 * that buffer's memory, as an input and as a pinned output of {@code OrtSession.run}. Memory that
 * ONNX Runtime allocated for a result is only ever copied ({@code OnnxTensor.getByteBuffer} is a
 * heap buffer). So what is to be shared is allocated here, given to {@link #borrow}, and pinned
 * where it is an output; results whose extents are not known before, kept rows for instance, are
 * taken with {@link #copy}.
 *
 * <p>The Java API has neither IO binding nor tensors of device memory: CUDA views are refused.
 */
public final class OrtTensors {
  /** The largest buffer that ONNX Runtime's Java API takes. */
  private static final long MOST_BYTES = Integer.MAX_VALUE - 8;

  private OrtTensors() {}

  /**
   * A tensor on a view's memory, without a copy. Writing to one is writing to the other.
   *
   * <p>The tensor keeps the memory allocated while it is reachable: a {@link NativeBuffer} past its
   * {@code close}; an arena, however, can be closed, and must stay open until the tensor's last
   * use. Closing the tensor leaves the memory alone.
   *
   * @param environment the process's, open
   * @param view compact, on the CPU, of a {@link NativeBuffer} or a {@link MemorySegment}; U32 has
   *     no counterpart. One of a read-only segment must not be pinned as an output
   * @return a tensor of the view's shape and dtype, the caller's to close
   * @throws IllegalArgumentException in one line, if it is another view or larger than 2 GiB
   * @throws IllegalStateException if its buffer or the arena of its segment is closed, or the
   *     segment is confined to another thread
   * @throws OrtException if ONNX Runtime refuses it
   */
  public static OnnxTensor borrow(OrtEnvironment environment, TensorView view) throws OrtException {
    Objects.requireNonNull(environment, "environment");
    if (!view.device().isCpu()) {
      throw new IllegalArgumentException(
          "view: on "
              + view.device()
              + ", but ONNX Runtime's Java API has no tensors of device memory; copy it to the"
              + " host, for instance to NativeBuffer.allocate(Device.CPU, bytes)");
    }
    if (!view.isCompact()) {
      throw new IllegalArgumentException(
          "view: " + view + " is not compact; ONNX Runtime's tensors have no strides");
    }
    OnnxJavaType type = type(view.dtype());
    long bytes = view.elements() * view.dtype().byteSize();
    if (bytes > MOST_BYTES) {
      throw new IllegalArgumentException(
          "view: " + bytes + " bytes, but ONNX Runtime's Java API takes buffers below 2 GiB");
    }
    ByteBuffer buffer = memory(view, bytes).asByteBuffer().order(ByteOrder.nativeOrder());
    return OnnxTensor.createTensor(environment, buffer, view.shape(), type);
  }

  /**
   * A compact tensor on native host memory, from the segment's first byte on; as {@link
   * #borrow(OrtEnvironment, TensorView)}.
   *
   * @param environment the process's, open
   * @param memory a native segment; its arena must stay open until the tensor's last use
   * @param dtype type of an element, not U32
   * @param shape extents; none is a scalar
   * @return a tensor on the segment's memory, the caller's to close
   * @throws IllegalArgumentException if the segment is on the heap or too small
   * @throws IllegalStateException if the arena is closed, or confined to another thread
   * @throws OrtException if ONNX Runtime refuses it
   */
  public static OnnxTensor borrow(
      OrtEnvironment environment, MemorySegment memory, DType dtype, long... shape)
      throws OrtException {
    return borrow(environment, TensorView.of(memory, dtype, shape));
  }

  /** The segment of a view whose owner lets itself be seen as one. */
  private static MemorySegment memory(TensorView view, long bytes) {
    MemorySegment whole;
    long offset;
    Object owner = view.owner();
    if (owner instanceof NativeBuffer buffer) {
      if (buffer.byteSize() == 0) {
        return MemorySegment.ofBuffer(ByteBuffer.allocateDirect(0));
      }
      whole = buffer.asSegment();
      offset = buffer.offsetOf(view);
    } else if (owner instanceof MemorySegment segment) {
      view.requireAccess("view");
      whole = segment;
      offset = view.address() - segment.address();
    } else {
      throw new IllegalArgumentException(
          "view: "
              + view
              + " is an address, but ONNX Runtime's Java API takes buffers; make the view of a"
              + " NativeBuffer or a MemorySegment");
    }
    if (offset < 0 || offset > whole.byteSize() - bytes) {
      throw new IllegalArgumentException(
          "view: " + view + " does not lie inside the memory it names as its owner");
    }
    return whole.asSlice(offset, bytes);
  }

  /**
   * A view of the memory of a tensor that was made from a buffer, without a copy. The view keeps
   * the buffer reachable, so it stays valid when the tensor is closed.
   *
   * <p>ONNX Runtime took what lay between the buffer's position and its limit when the tensor was
   * made, and does not say where that was. Both have to be there again: after {@code put}, which
   * moves the position, {@code rewind()} or what belongs there. A buffer whose two marks were moved
   * by the same number of elements goes unnoticed.
   *
   * @param tensor open, made by {@link #borrow} or by {@code OnnxTensor.createTensor} of a direct
   *     buffer
   * @return a compact view on the CPU
   * @throws IllegalArgumentException in one line, if the memory is ONNX Runtime's own, the buffer
   *     holds more or fewer values between position and limit than the tensor, or the tensor's type
   *     is one that {@link DType} does not have
   * @throws IllegalStateException if the tensor is closed
   */
  public static TensorView view(OnnxTensor tensor) {
    requireOpen(tensor);
    DType dtype = dtype(tensor.getInfo());
    long[] shape = tensor.getInfo().getShape();
    Buffer buffer = buffer(tensor);
    if (buffer == null) {
      throw new IllegalArgumentException(
          "tensor: "
              + describe(tensor)
              + " lies in memory of ONNX Runtime, which its Java API only copies; take"
              + " OrtTensors.copy(tensor), or pin a tensor of OrtTensors.borrow as the output");
    }
    MemorySegment memory = MemorySegment.ofBuffer(buffer);
    long bytes = tensor.getInfo().getNumElements() * dtype.byteSize();
    if (memory.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "tensor: its buffer has "
              + memory.byteSize()
              + " bytes between position and limit, but "
              + describe(tensor)
              + " takes "
              + bytes
              + "; set both to what they were when the tensor was made");
    }
    return TensorView.of(memory, dtype, shape);
  }

  private static @Nullable Buffer buffer(OnnxTensor tensor) {
    try {
      return tensor.getBufferRef().orElse(null);
    } catch (NullPointerException e) {
      // What getBufferRef of 1.29 throws instead of returning the empty Optional it documents.
      return null;
    }
  }

  /**
   * A copy of a tensor's values, row-major, in a buffer of our own, which the caller closes. Works
   * for results too.
   *
   * @param tensor open; it stays the caller's
   * @return a buffer on the CPU, exactly as large as the values
   * @throws IllegalArgumentException if the tensor's type is one that {@link DType} does not have
   * @throws IllegalStateException if the tensor is closed
   */
  public static NativeBuffer copy(OnnxTensor tensor) {
    requireOpen(tensor);
    DType dtype = dtype(tensor.getInfo());
    NativeBuffer buffer = NativeBuffer.allocate(Device.CPU, dtype, tensor.getInfo().getShape());
    if (buffer.byteSize() > 0) {
      buffer.copyFrom(MemorySegment.ofBuffer(tensor.getByteBuffer()), 0);
    }
    return buffer;
  }

  private static void requireOpen(OnnxTensor tensor) {
    if (tensor.isClosed()) {
      throw new IllegalStateException("tensor: " + describe(tensor) + " is closed");
    }
  }

  private static String describe(OnnxTensor tensor) {
    return tensor.getInfo().type + Arrays.toString(tensor.getInfo().getShape());
  }

  /**
   * The dtype of a tensor; bool is seen as U8 (0 or 1), unsigned 32-bit integers as U32.
   *
   * @param info as {@code OnnxTensor.getInfo} gives it
   * @return the dtype of the same bits
   * @throws IllegalArgumentException if there is none
   */
  public static DType dtype(TensorInfo info) {
    return switch (info.onnxType) {
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL -> DType.U8;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8 -> DType.I8;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16 -> DType.I16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 -> DType.I32;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32 -> DType.U32;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 -> DType.I64;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 -> DType.F16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16 -> DType.BF16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT -> DType.F32;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE -> DType.F64;
      default ->
          throw new IllegalArgumentException(
              "tensor: element type " + info.onnxType + " is not supported");
    };
  }

  /**
   * ONNX Runtime's type of a dtype.
   *
   * @param dtype any but U32; U8 gives UINT8, not BOOL
   * @return the type of the same bits
   * @throws IllegalArgumentException for U32, which its Java API cannot make tensors of
   */
  public static OnnxJavaType type(DType dtype) {
    return switch (dtype) {
      case U8 -> OnnxJavaType.UINT8;
      case I8 -> OnnxJavaType.INT8;
      case I16 -> OnnxJavaType.INT16;
      case I32 -> OnnxJavaType.INT32;
      case I64 -> OnnxJavaType.INT64;
      case F16 -> OnnxJavaType.FLOAT16;
      case BF16 -> OnnxJavaType.BFLOAT16;
      case F32 -> OnnxJavaType.FLOAT;
      case F64 -> OnnxJavaType.DOUBLE;
      case U32 ->
          throw new IllegalArgumentException(
              "dtype U32: ONNX Runtime's Java API makes no such tensors; view the memory as I32");
    };
  }
}
