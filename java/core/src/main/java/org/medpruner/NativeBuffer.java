package org.medpruner;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.NativeMemory;

/**
 * A block of native memory on a device, owned by this object until {@link #close}. Host memory is
 * aligned to 64 bytes, CUDA memory to 256; the contents are undefined at first.
 *
 * <p>{@link #close} is idempotent and may be called by any thread at any time: a call that uses the
 * buffer finishes first, later uses are an {@link IllegalStateException}. Work queued on a CUDA
 * stream is waited for when the memory is freed. The methods may be called by many threads; who
 * writes what when is up to the callers.
 */
public final class NativeBuffer implements AutoCloseable {
  private final Device device;
  private final long address;
  private final long byteSize;
  private final Lifetime lifetime;
  private @Nullable MemorySegment segment;

  private NativeBuffer(Device device, long address, long byteSize) {
    this.device = device;
    this.address = address;
    this.byteSize = byteSize;
    this.lifetime =
        Lifetime.of(
            this,
            "NativeBuffer of " + byteSize + " bytes on " + device,
            () -> NativeMemory.free(device, address));
  }

  /**
   * Allocates memory. Its contents are undefined.
   *
   * @param device where the memory lies
   * @param byteSize 0 is allowed
   * @return an open buffer, the caller's to close
   * @throws IllegalArgumentException if the size is negative or the device null
   * @throws MedPrunerOutOfMemoryException if there is not that much
   * @throws MedPrunerUnavailableException if the native library or the device is not available
   */
  public static NativeBuffer allocate(Device device, long byteSize) {
    Check.notNull("device", device);
    if (byteSize < 0) {
      throw new IllegalArgumentException("byteSize = " + byteSize + ", but it must be >= 0");
    }
    return new NativeBuffer(device, NativeMemory.allocate(device, byteSize), byteSize);
  }

  /**
   * Allocates memory of exactly the size of a compact tensor. Its contents are undefined.
   *
   * @param device where the memory lies
   * @param dtype type of an element
   * @param shape extents, each &gt;= 0; none is a scalar
   * @return an open buffer, the caller's to close
   * @throws IllegalArgumentException if an extent is negative or the size overflows
   * @throws MedPrunerOutOfMemoryException if there is not that much
   * @throws MedPrunerUnavailableException if the native library or the device is not available
   */
  public static NativeBuffer allocate(Device device, DType dtype, long... shape) {
    return allocate(device, Shapes.elements(shape, dtype) * dtype.byteSize());
  }

  /** {@return where the memory lies} */
  public Device device() {
    return device;
  }

  /** {@return its size in bytes, also once closed} */
  public long byteSize() {
    return byteSize;
  }

  /**
   * {@return whether {@link #close} was called; calls that began before may still use the memory}
   */
  public boolean isClosed() {
    return lifetime.isClosed();
  }

  /**
   * A compact view of the beginning of the buffer, which keeps the buffer reachable but not open.
   *
   * @param dtype type of an element
   * @param shape extents, each &gt;= 0; none is a scalar
   * @return a row-major view from byte 0 on
   * @throws IllegalArgumentException if it does not lie inside the buffer
   * @throws IllegalStateException if the buffer is closed
   */
  public TensorView view(DType dtype, long... shape) {
    return viewAt(0, dtype, shape);
  }

  /**
   * A compact view from {@code byteOffset} on, which keeps the buffer reachable but not open.
   *
   * @param byteOffset of element 0; ops ask that it be a multiple of the element's size
   * @param dtype type of an element
   * @param shape extents, each &gt;= 0; none is a scalar
   * @return a row-major view
   * @throws IllegalArgumentException if it does not lie inside the buffer
   * @throws IllegalStateException if the buffer is closed
   */
  public TensorView viewAt(long byteOffset, DType dtype, long... shape) {
    checkInside(byteOffset, Shapes.elements(shape, dtype) * dtype.byteSize());
    lifetime.acquire();
    lifetime.release();
    return TensorView.of(address + byteOffset, dtype, shape, device).withOwner(this);
  }

  /**
   * The memory of a host buffer as a segment. As long as the segment is reachable its memory stays
   * allocated, even past {@link #close}: a stale segment cannot crash the JVM, but it also delays
   * the freeing until the garbage collector has noticed. The copy methods have no such cost.
   *
   * @return all {@link #byteSize} bytes, for any thread; the same segment at each call
   * @throws IllegalStateException if the buffer is closed, or in device memory
   */
  public synchronized MemorySegment asSegment() {
    if (!device.isCpu()) {
      throw new IllegalStateException(
          lifetime + ": device memory cannot be read from Java; copyTo it");
    }
    lifetime.acquire();
    if (segment != null) {
      lifetime.release();
      return segment;
    }
    MemorySegment s = NativeMemory.segment(address, byteSize, Arena.ofAuto(), lifetime::release);
    segment = s;
    return s;
  }

  /**
   * Copies a host segment, native or heap, to {@code byteOffset}; done on return. Its arena must
   * stay open until then: closing it meanwhile is refused, or makes this call throw, but what the
   * driver still reads of page-locked memory by itself the JVM cannot see.
   *
   * @param source all its bytes are copied
   * @param byteOffset where the first byte goes
   * @throws IllegalArgumentException if it does not fit
   * @throws IllegalStateException if the buffer or the arena of the segment is closed, or the
   *     segment is confined to another thread
   */
  public void copyFrom(MemorySegment source, long byteOffset) {
    checkInside(byteOffset, Check.notNull("source", source).byteSize());
    TensorView.requireAccess("source", source);
    lifetime.acquire();
    try {
      NativeMemory.copyIn(device, address + byteOffset, source);
    } finally {
      lifetime.release();
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Copies from {@code byteOffset} into a host segment, native or heap, filling it; done on return.
   * Work on streams other than the default one must be synchronised before. As of {@link
   * #copyFrom(MemorySegment, long)}, the segment's arena must stay open until the return.
   *
   * @param destination all its bytes are written
   * @param byteOffset of the first byte that is read
   * @throws IllegalArgumentException if the buffer ends before the segment is full, or the segment
   *     is read-only
   * @throws IllegalStateException if the buffer or the arena of the segment is closed, or the
   *     segment is confined to another thread
   */
  public void copyTo(MemorySegment destination, long byteOffset) {
    checkInside(byteOffset, Check.notNull("destination", destination).byteSize());
    TensorView.requireAccess("destination", destination);
    lifetime.acquire();
    try {
      NativeMemory.copyOut(device, address + byteOffset, destination);
    } finally {
      lifetime.release();
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Copies the array to the beginning of the buffer; done on return.
   *
   * @param source values of one byte each; all are copied
   * @throws IllegalArgumentException if they do not fit
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyFrom(byte[] source) {
    copyFrom(MemorySegment.ofArray(Check.notNull("source", source)), 0);
  }

  /**
   * Copies the array to the beginning of the buffer; done on return.
   *
   * @param source values of 2 bytes each, in native byte order; all are copied
   * @throws IllegalArgumentException if they do not fit
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyFrom(short[] source) {
    copyFrom(MemorySegment.ofArray(Check.notNull("source", source)), 0);
  }

  /**
   * Copies the array to the beginning of the buffer; done on return.
   *
   * @param source values of 4 bytes each, in native byte order; all are copied
   * @throws IllegalArgumentException if they do not fit
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyFrom(int[] source) {
    copyFrom(MemorySegment.ofArray(Check.notNull("source", source)), 0);
  }

  /**
   * Copies the array to the beginning of the buffer; done on return.
   *
   * @param source values of 8 bytes each, in native byte order; all are copied
   * @throws IllegalArgumentException if they do not fit
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyFrom(long[] source) {
    copyFrom(MemorySegment.ofArray(Check.notNull("source", source)), 0);
  }

  /**
   * Copies the array to the beginning of the buffer; done on return.
   *
   * @param source values of 4 bytes each, in native byte order; all are copied
   * @throws IllegalArgumentException if they do not fit
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyFrom(float[] source) {
    copyFrom(MemorySegment.ofArray(Check.notNull("source", source)), 0);
  }

  /**
   * Copies the array to the beginning of the buffer; done on return.
   *
   * @param source values of 8 bytes each, in native byte order; all are copied
   * @throws IllegalArgumentException if they do not fit
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyFrom(double[] source) {
    copyFrom(MemorySegment.ofArray(Check.notNull("source", source)), 0);
  }

  /**
   * Fills the array from the beginning of the buffer; done on return.
   *
   * @param destination values of one byte each; all are overwritten
   * @throws IllegalArgumentException if the buffer ends before the array is full
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyTo(byte[] destination) {
    copyTo(MemorySegment.ofArray(Check.notNull("destination", destination)), 0);
  }

  /**
   * Fills the array from the beginning of the buffer; done on return.
   *
   * @param destination values of 2 bytes each, in native byte order; all are overwritten
   * @throws IllegalArgumentException if the buffer ends before the array is full
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyTo(short[] destination) {
    copyTo(MemorySegment.ofArray(Check.notNull("destination", destination)), 0);
  }

  /**
   * Fills the array from the beginning of the buffer; done on return.
   *
   * @param destination values of 4 bytes each, in native byte order; all are overwritten
   * @throws IllegalArgumentException if the buffer ends before the array is full
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyTo(int[] destination) {
    copyTo(MemorySegment.ofArray(Check.notNull("destination", destination)), 0);
  }

  /**
   * Fills the array from the beginning of the buffer; done on return.
   *
   * @param destination values of 8 bytes each, in native byte order; all are overwritten
   * @throws IllegalArgumentException if the buffer ends before the array is full
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyTo(long[] destination) {
    copyTo(MemorySegment.ofArray(Check.notNull("destination", destination)), 0);
  }

  /**
   * Fills the array from the beginning of the buffer; done on return.
   *
   * @param destination values of 4 bytes each, in native byte order; all are overwritten
   * @throws IllegalArgumentException if the buffer ends before the array is full
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyTo(float[] destination) {
    copyTo(MemorySegment.ofArray(Check.notNull("destination", destination)), 0);
  }

  /**
   * Fills the array from the beginning of the buffer; done on return.
   *
   * @param destination values of 8 bytes each, in native byte order; all are overwritten
   * @throws IllegalArgumentException if the buffer ends before the array is full
   * @throws IllegalStateException if the buffer is closed
   */
  public void copyTo(double[] destination) {
    copyTo(MemorySegment.ofArray(Check.notNull("destination", destination)), 0);
  }

  private void checkInside(long byteOffset, long bytes) {
    if (byteOffset < 0 || bytes > byteSize - byteOffset) {
      throw new IllegalArgumentException(
          bytes + " bytes at byteOffset " + byteOffset + " do not lie inside " + lifetime);
    }
  }

  /**
   * Byte offset of a view of this buffer, to copy its contents with {@link #copyTo(MemorySegment,
   * long)}.
   *
   * @param view given by {@link #view} or {@link #viewAt} of this very buffer
   * @return bytes from the beginning of the buffer to element 0
   * @throws IllegalArgumentException if the view is not of this buffer
   */
  public long offsetOf(TensorView view) {
    if (Check.notNull("view", view).owner() != this) {
      throw new IllegalArgumentException("view: " + view + " is not of " + lifetime);
    }
    return view.address() - address;
  }

  void acquire() {
    lifetime.acquire();
  }

  void release() {
    lifetime.release();
  }

  /** Frees the memory once no call uses it any more. Idempotent. */
  @Override
  public void close() {
    // In this order: an asSegment() in between would leave a segment that nobody asked for, which
    // holds the memory for as long as this object is reachable.
    lifetime.close();
    synchronized (this) {
      segment = null;
    }
  }

  @Override
  public String toString() {
    return lifetime.toString();
  }
}
