package org.medpruner;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * An immutable view of memory that someone else owns: address, dtype, shape, strides and device, as
 * in DLPack's DLTensor. It never frees anything. Device memory is an address only and cannot be
 * read through it.
 *
 * <p>Views of a {@link MemorySegment} or of a {@link NativeBuffer}, and views given an owner with
 * {@link #withOwner}, keep that object reachable; a view of a bare address does not, and its memory
 * must stay valid until the ops that use it are done. Safe for use by many threads.
 */
public final class TensorView {
  private final long address;
  private final DType dtype;
  private final long[] shape;
  private final long[] strides;
  private final Device device;
  private final long elements;
  private final boolean readOnly;
  private final @Nullable Object owner;

  private TensorView(
      long address,
      DType dtype,
      long[] shape,
      long[] strides,
      Device device,
      boolean readOnly,
      @Nullable Object owner) {
    Check.notNull("device", device);
    this.address = address;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.device = device;
    this.elements = Shapes.elements(shape, dtype);
    this.readOnly = readOnly;
    this.owner = owner;
    if (elements > 0) {
      checkRange();
    }
  }

  /** Refuses extents that cannot be addressed, before anything computes with them. */
  private void checkRange() {
    long[] range = Shapes.byteRange(shape, strides, dtype);
    try {
      if (address != 0) {
        // Addresses are unsigned, but no user-space address of a 64-bit machine has the top bit.
        long first = Math.addExact(address, range[0]);
        Math.addExact(address, range[1]);
        if (address < 0 || first < 0) {
          throw new ArithmeticException();
        }
      }
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "address 0x"
              + Long.toHexString(address)
              + " with shape "
              + Arrays.toString(shape)
              + " runs past the address space",
          e);
    }
  }

  /**
   * A compact row-major view of host or device memory.
   *
   * @param address of the first element; 0 is allowed for a tensor without elements
   * @param dtype type of an element
   * @param shape extents, copied; none is a scalar
   * @param device whose memory the address is of
   * @return a view without an owner: the memory must stay valid as long as ops use it
   * @throws IllegalArgumentException if an extent is negative or the size overflows
   */
  public static TensorView of(long address, DType dtype, long[] shape, Device device) {
    long[] extents = Check.notNull("shape", shape).clone();
    return new TensorView(address, dtype, extents, Shapes.compact(extents), device, false, null);
  }

  /**
   * A strided view of host or device memory.
   *
   * @param address of the element whose indices are all 0; 0 is allowed for a tensor without
   *     elements
   * @param dtype type of an element
   * @param shape extents, copied; none is a scalar
   * @param strides in elements, one per extent, copied; zero and negative ones are allowed
   * @param device whose memory the address is of
   * @return a view without an owner: the memory must stay valid as long as ops use it
   * @throws IllegalArgumentException as {@link #of}, or if the counts of shape and strides differ
   */
  public static TensorView strided(
      long address, DType dtype, long[] shape, long[] strides, Device device) {
    if (Check.notNull("shape", shape).length != Check.notNull("strides", strides).length) {
      throw new IllegalArgumentException(
          "strides "
              + Arrays.toString(strides)
              + ": shape "
              + Arrays.toString(shape)
              + " needs "
              + shape.length
              + " of them");
    }
    return new TensorView(address, dtype, shape.clone(), strides.clone(), device, false, null);
  }

  /**
   * A compact row-major view of native host memory, from the segment's first byte on. The view
   * keeps the segment reachable; its arena must stay open while ops use the view. A read-only
   * segment gives a view that ops refuse as an output.
   *
   * @param segment native memory, at least as large as the tensor
   * @param dtype type of an element
   * @param shape extents, copied; none is a scalar
   * @return a view on the CPU that the segment owns
   * @throws IllegalArgumentException if the segment is a heap segment, or too small for the shape
   */
  public static TensorView of(MemorySegment segment, DType dtype, long... shape) {
    if (!Check.notNull("segment", segment).isNative()) {
      throw new IllegalArgumentException(
          "segment: a heap segment (it wraps a Java array) has no fixed address; allocate a native"
              + " one, for instance with NativeBuffer.allocate(Device.CPU, bytes)");
    }
    long bytes = Math.multiplyExact(Shapes.elements(shape, dtype), (long) dtype.byteSize());
    if (bytes > segment.byteSize()) {
      throw new IllegalArgumentException(
          "segment: "
              + segment.byteSize()
              + " bytes, but "
              + dtype
              + Arrays.toString(shape)
              + " takes "
              + bytes);
    }
    return new TensorView(
        segment.address(),
        dtype,
        shape.clone(),
        Shapes.compact(shape),
        Device.CPU,
        segment.isReadOnly(),
        segment);
  }

  /**
   * The same view, which also keeps {@code object} reachable: give the object whose collection
   * would free the memory. A {@link NativeBuffer} is in addition guarded against being closed in a
   * call.
   *
   * @param object takes the place of the present owner; of a view, its owner is taken
   * @return a view of the same memory
   */
  public TensorView withOwner(Object object) {
    Object root = object instanceof TensorView view && view.owner != null ? view.owner : object;
    return new TensorView(address, dtype, shape, strides, device, readOnly, root);
  }

  /** {@return the address of element 0, in the address space of {@link #device}} */
  public long address() {
    return address;
  }

  /** {@return the type of an element} */
  public DType dtype() {
    return dtype;
  }

  /** {@return a copy of the extents, outermost first} */
  public long[] shape() {
    return shape.clone();
  }

  /** {@return a copy of the strides, in elements, outermost first} */
  public long[] strides() {
    return strides.clone();
  }

  /** {@return the number of dimensions; 0 for a scalar} */
  public int rank() {
    return shape.length;
  }

  /**
   * Extent of a dimension.
   *
   * @param dimension 0, the outermost, to rank - 1
   * @return its extent, &gt;= 0
   * @throws IndexOutOfBoundsException if there is no such dimension
   */
  public long size(int dimension) {
    return shape[dimension];
  }

  /**
   * Stride of a dimension.
   *
   * @param dimension 0, the outermost, to rank - 1
   * @return elements from one index to the next; may be zero or negative
   * @throws IndexOutOfBoundsException if there is no such dimension
   */
  public long stride(int dimension) {
    return strides[dimension];
  }

  /** {@return the device whose memory it views} */
  public Device device() {
    return device;
  }

  /** {@return the product of the extents; 1 for a scalar} */
  public long elements() {
    return elements;
  }

  /** {@return whether it views a read-only segment, which ops refuse as an output} */
  public boolean isReadOnly() {
    return readOnly;
  }

  /** {@return whether the elements lie densely in row-major order; true if there is none} */
  public boolean isCompact() {
    return Shapes.isCompact(shape, strides, 0);
  }

  /** {@return the object this view keeps reachable; null for a view of a bare address} */
  public @Nullable Object owner() {
    return owner;
  }

  /**
   * Checks that this thread may read a segment that is the view's owner. Ops do so by themselves;
   * whoever hands the address to another library does it first.
   *
   * @param name of the argument, with which the message begins
   * @throws IllegalStateException if the arena of the segment is closed, or the segment is confined
   *     to another thread
   */
  public void requireAccess(String name) {
    if (owner instanceof MemorySegment segment) {
      requireAccess(name, segment);
    }
  }

  /** As the other, of a segment itself. */
  static void requireAccess(String name, MemorySegment segment) {
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException(
          name + ": the arena of its segment is closed; keep it open until the last use");
    }
    if (!segment.isAccessibleBy(Thread.currentThread())) {
      throw new IllegalStateException(
          name + ": its segment is confined to another thread; allocate it in Arena.ofShared()");
    }
  }

  /** {@code F32[2, 3] on cpu at 0x7f...}. */
  @Override
  public String toString() {
    return dtype
        + Arrays.toString(shape)
        + (isCompact() ? "" : " strides " + Arrays.toString(strides))
        + " on "
        + device
        + " at 0x"
        + Long.toHexString(address);
  }
}
