package org.medpruner;

import org.jspecify.annotations.Nullable;

/**
 * Scratch memory for ops that grows to what is asked of it and is then reused. One per stream: two
 * calls that may run at once must not share it, on the CPU as on CUDA. Growing frees the former
 * memory, which on CUDA waits for the device.
 */
public final class Workspace implements AutoCloseable {
  private final Device device;
  private @Nullable NativeBuffer buffer;
  private boolean closed;

  private Workspace(Device device) {
    this.device = device;
  }

  /**
   * An empty workspace; it allocates when first used.
   *
   * @param device where its memory will lie, that of the ops that use it
   * @return an open workspace, the caller's to close
   */
  public static Workspace create(Device device) {
    return new Workspace(Check.notNull("device", device));
  }

  /** {@return where the memory lies} */
  public Device device() {
    return device;
  }

  /** {@return bytes it holds now; 0 before the first use and once closed} */
  public synchronized long byteSize() {
    return buffer == null ? 0 : buffer.byteSize();
  }

  /**
   * A U8 view of {@code bytes} bytes of scratch, valid until the next call.
   *
   * @param bytes &gt;= 0; more than it holds frees the former memory and allocates anew
   * @return U8 [bytes], compact, aligned to 64 bytes at least; contents undefined
   * @throws IllegalStateException if this is closed
   * @throws MedPrunerOutOfMemoryException if there is not that much memory
   */
  public synchronized TensorView reserve(long bytes) {
    if (closed) {
      throw new IllegalStateException(this + " is closed");
    }
    NativeBuffer b = buffer;
    if (b == null || b.byteSize() < bytes) {
      if (b != null) {
        buffer = null;
        b.close();
      }
      b = NativeBuffer.allocate(device, bytes);
      buffer = b;
    }
    return b.view(DType.U8, bytes);
  }

  /** Frees the memory; idempotent. */
  @Override
  public synchronized void close() {
    closed = true;
    if (buffer != null) {
      buffer.close();
      buffer = null;
    }
  }

  @Override
  public String toString() {
    return "Workspace on " + device;
  }
}
