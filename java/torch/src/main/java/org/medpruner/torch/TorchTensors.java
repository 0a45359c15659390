package org.medpruner.torch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.Layout;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.TensorView;

/** LibTorch tensors as {@link TensorView}s and back, without copies. Thread-safe. */
public final class TorchTensors {
  private TorchTensors() {}

  /**
   * A view of a tensor's memory, with its shape, strides, dtype and device; bool tensors are seen
   * as U8 (0 or 1).
   *
   * <p>The view keeps the Java object {@code tensor} reachable. It is valid until that tensor is
   * closed, explicitly or by the {@code PointerScope} it was made in.
   *
   * @param tensor strided, on the CPU or CUDA
   * @return a view of the memory that the tensor views; address 0 if it has no elements
   * @throws IllegalArgumentException if the tensor is undefined, not strided, of a dtype that
   *     {@link DType} does not have, or one that LibTorch negates only when it reads it
   */
  public static TensorView view(Tensor tensor) {
    if (tensor.isNull() || !tensor.defined()) {
      throw new IllegalArgumentException("tensor: undefined");
    }
    if (tensor.layout().intern() != Layout.Strided) {
      throw new IllegalArgumentException(
          "tensor: layout " + tensor.layout() + ", only strided tensors have an address");
    }
    if (tensor.is_neg()) {
      throw new IllegalArgumentException(
          "tensor: its memory holds the negated values (is_neg); give its resolve_neg()");
    }
    int rank = Math.toIntExact(tensor.dim());
    long[] shape = new long[rank];
    long[] strides = new long[rank];
    for (int i = 0; i < rank; i++) {
      shape[i] = tensor.size(i);
      strides[i] = tensor.stride(i);
    }
    // Null where there are no elements, which then have no address either.
    Pointer data = tensor.data_ptr();
    return TensorView.strided(
            data == null ? 0 : data.address(),
            dtype(tensor.scalar_type().intern()),
            shape,
            strides,
            device(tensor))
        .withOwner(tensor);
  }

  /**
   * A tensor on a view's memory: same address, shape, strides and device. The view, and with it the
   * object it keeps, stays reachable through the result.
   *
   * <p>A CPU view of a read-only segment is accepted; writing to the tensor then ends the process.
   *
   * @param view of memory that stays allocated until the tensor, and what LibTorch derives from it,
   *     is gone
   * @return a tensor that frees no memory, the caller's to close
   * @throws IllegalArgumentException if a stride is negative, which LibTorch does not have, or the
   *     address is no multiple of the element size, which LibTorch's kernels count on
   * @throws IllegalStateException if the view's {@link NativeBuffer} or the arena of its segment is
   *     closed, or the segment is confined to another thread
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch cannot be loaded
   */
  public static BorrowedTensor borrow(TensorView view) {
    return borrow(view, "view");
  }

  /**
   * A compact CPU tensor on native memory, which must be aligned to the element size.
   *
   * @param memory a native segment, from its first byte on; its arena must stay open as long as the
   *     tensor is used
   * @param dtype type of an element
   * @param shape extents; none is a scalar
   * @return a tensor that frees no memory and keeps the segment reachable, the caller's to close
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch cannot be loaded
   * @throws IllegalArgumentException if the segment is on the heap, too small or misaligned
   * @throws IllegalStateException if the arena is closed, or confined to another thread
   */
  public static BorrowedTensor borrow(MemorySegment memory, DType dtype, long... shape) {
    return borrow(TensorView.of(memory, dtype, shape), "memory");
  }

  private static BorrowedTensor borrow(TensorView view, String name) {
    requireAccess(view);
    requireStrides(view);
    if (view.address() % view.dtype().byteSize() != 0) {
      throw new IllegalArgumentException(
          name
              + ": address 0x"
              + Long.toHexString(view.address())
              + " is not a multiple of "
              + view.dtype().byteSize()
              + " bytes");
    }
    TorchRuntime.require();
    return new BorrowedTensor(
        fromAddress(
            view.address(),
            view.elements() * view.dtype().byteSize(),
            view.dtype(),
            view.shape(),
            view.strides(),
            view.device()),
        view);
  }

  /** Asks the owner, where it knows: LibTorch would read what was freed. */
  private static void requireAccess(TensorView view) {
    if (view.owner() instanceof NativeBuffer buffer && buffer.isClosed()) {
      throw new IllegalStateException(
          "view: its " + buffer + " is closed; keep it open until the tensor's last use");
    }
    view.requireAccess("view");
  }

  /** LibTorch would take another stride in its place, and with it other elements. */
  private static void requireStrides(TensorView view) {
    for (int i = 0; i < view.rank(); i++) {
      if (view.stride(i) < 0) {
        throw new IllegalArgumentException(
            "view: stride "
                + view.stride(i)
                + " of dimension "
                + i
                + " is negative, but LibTorch's are >= 0; copy the elements in order");
      }
    }
  }

  private static Tensor fromAddress(
      long address, long bytes, DType dtype, long[] shape, long[] strides, Device device) {
    // The options are temporaries with native memory of their own.
    return TorchScope.run(
        () -> {
          TensorOptions options = new TensorOptions(scalarType(dtype));
          if (device.isCuda()) {
            options =
                options.device(
                    new DeviceOptional(
                        new org.bytedeco.pytorch.Device(DeviceType.CUDA, (byte) device.index())));
          }
          return torch.from_blob(new AddressPointer(address, bytes), shape, strides, options);
        });
  }

  /**
   * Where a tensor lies.
   *
   * @param tensor defined, on the CPU or CUDA
   * @return {@link Device#CPU}, or the CUDA device of the tensor's index
   * @throws IllegalArgumentException if it is on a device of another kind
   */
  public static Device device(Tensor tensor) {
    if (tensor.is_cuda()) {
      try (org.bytedeco.pytorch.Device d = tensor.device()) {
        return Device.cuda(d.index());
      }
    }
    if (tensor.is_cpu()) {
      return Device.CPU;
    }
    throw new IllegalArgumentException("tensor: only CPU and CUDA tensors are supported");
  }

  /**
   * The dtype of LibTorch's scalar type; Bool is U8.
   *
   * @param type as a tensor has it; need not be interned
   * @return the dtype of the same bits
   * @throws IllegalArgumentException if there is none
   */
  public static DType dtype(ScalarType type) {
    // Enum values that come from LibTorch are not the constants until interned.
    return switch (type.intern()) {
      case Byte, Bool -> DType.U8;
      case Char -> DType.I8;
      case Short -> DType.I16;
      case Int -> DType.I32;
      case UInt32 -> DType.U32;
      case Long -> DType.I64;
      case Half -> DType.F16;
      case BFloat16 -> DType.BF16;
      case Float -> DType.F32;
      case Double -> DType.F64;
      default -> throw new IllegalArgumentException("tensor: dtype " + type + " is not supported");
    };
  }

  /**
   * LibTorch's scalar type of a dtype.
   *
   * @param type any; U8 gives Byte, not Bool
   * @return the interned constant
   */
  public static ScalarType scalarType(DType type) {
    return switch (type) {
      case U8 -> ScalarType.Byte;
      case I8 -> ScalarType.Char;
      case I16 -> ScalarType.Short;
      case I32 -> ScalarType.Int;
      case U32 -> ScalarType.UInt32;
      case I64 -> ScalarType.Long;
      case F16 -> ScalarType.Half;
      case BF16 -> ScalarType.BFloat16;
      case F32 -> ScalarType.Float;
      case F64 -> ScalarType.Double;
    };
  }

  /**
   * A tensor's elements, row-major, copied to the Java heap; waits for the device. Read it with
   * unaligned layouts.
   *
   * @param tensor on any device, of any strides, negated only when it is read or not
   * @return a segment of a new byte[] in native byte order, exactly as long as the elements
   * @throws IllegalArgumentException as {@link #dtype}, or if it has 2 GiB or more
   */
  public static MemorySegment copyToHeap(Tensor tensor) {
    dtype(tensor.scalar_type().intern());
    try (PointerScope scope = new PointerScope()) {
      Tensor host = tensor.resolve_neg().cpu().contiguous();
      long bytes = host.nbytes();
      if (bytes > Integer.MAX_VALUE - 8) {
        throw new IllegalArgumentException("tensor: " + bytes + " bytes do not fit a Java array");
      }
      byte[] copy = new byte[(int) bytes];
      if (bytes > 0) {
        MemorySegment.copy(
            MemorySegment.ofAddress(host.data_ptr().address()).reinterpret(bytes),
            ValueLayout.JAVA_BYTE,
            0,
            copy,
            0,
            copy.length);
      }
      return MemorySegment.ofArray(copy);
    }
  }

  /**
   * A float tensor's elements, row-major; waits for the device.
   *
   * @param tensor Float, which is not checked: of others the bits are taken
   * @return a new array
   * @throws IllegalArgumentException as {@link #copyToHeap}
   */
  public static float[] floats(Tensor tensor) {
    return copyToHeap(tensor).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
  }

  /**
   * A double tensor's elements, row-major; waits for the device.
   *
   * @param tensor Double, which is not checked: of others the bits are taken
   * @return a new array
   * @throws IllegalArgumentException as {@link #copyToHeap}
   */
  public static double[] doubles(Tensor tensor) {
    return copyToHeap(tensor).toArray(ValueLayout.JAVA_DOUBLE_UNALIGNED);
  }

  /**
   * A 32-bit integer tensor's elements, row-major; waits for the device.
   *
   * @param tensor Int or UInt32, which is not checked: of others the bits are taken
   * @return a new array
   * @throws IllegalArgumentException as {@link #copyToHeap}
   */
  public static int[] ints(Tensor tensor) {
    return copyToHeap(tensor).toArray(ValueLayout.JAVA_INT_UNALIGNED);
  }

  /**
   * A 64-bit integer tensor's elements, row-major; waits for the device.
   *
   * @param tensor Long, which is not checked: of others the bits are taken
   * @return a new array
   * @throws IllegalArgumentException as {@link #copyToHeap}
   */
  public static long[] longs(Tensor tensor) {
    return copyToHeap(tensor).toArray(ValueLayout.JAVA_LONG_UNALIGNED);
  }

  /**
   * A byte or bool tensor's elements, row-major; waits for the device.
   *
   * @param tensor Byte, Char or Bool (0 or 1), which is not checked: of others the bytes are taken
   * @return a new array
   * @throws IllegalArgumentException as {@link #copyToHeap}
   */
  public static byte[] bytes(Tensor tensor) {
    return copyToHeap(tensor).toArray(ValueLayout.JAVA_BYTE);
  }
}
