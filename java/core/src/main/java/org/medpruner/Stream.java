package org.medpruner;

import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.NativeMemory;

/**
 * The queue that orders an op's work: a {@code cudaStream_t}. The CPU has no streams; give {@link
 * #DEFAULT} there. A stream may be used by many threads.
 */
public final class Stream implements AutoCloseable {
  /** CUDA's legacy default stream of whichever device, and the only "stream" of the CPU. */
  public static final Stream DEFAULT = new Stream(null, 0, false);

  private final @Nullable Device device;
  private final long handle;
  private final @Nullable Lifetime lifetime;

  private Stream(@Nullable Device device, long handle, boolean owned) {
    this.device = device;
    this.handle = handle;
    this.lifetime =
        owned && device != null
            ? Lifetime.of(
                this, "Stream on " + device, () -> NativeMemory.destroyStream(device, handle))
            : null;
  }

  /**
   * Borrows a stream of another library; closing this object does not destroy it.
   *
   * @param device the stream was created on
   * @param handle the {@code cudaStream_t}; 0 is the legacy default stream, and the only one of the
   *     CPU
   * @return a stream that does not own the handle, which must outlive it
   * @throws IllegalArgumentException if the device is the CPU and the handle not 0
   */
  public static Stream of(Device device, long handle) {
    Check.notNull("device", device);
    if (device.isCpu() && handle != 0) {
      throw new IllegalArgumentException("handle: the CPU has no streams, it must be 0");
    }
    return new Stream(device, handle, false);
  }

  /**
   * Creates a non-blocking stream that this object owns.
   *
   * @param device a CUDA device; on the CPU there is nothing to create and the handle is 0
   * @return an open stream, the caller's to close
   * @throws MedPrunerUnavailableException if the device is not available
   */
  public static Stream create(Device device) {
    Check.notNull("device", device);
    return new Stream(device, NativeMemory.createStream(device), true);
  }

  /** {@return the device it belongs to; null for {@link #DEFAULT}, which any device takes} */
  public @Nullable Device device() {
    return device;
  }

  /** {@return the {@code cudaStream_t}; 0 for default streams and on the CPU} */
  public long handle() {
    return handle;
  }

  /**
   * Blocks until all work queued so far is done; returns at once on the CPU and for {@link
   * #DEFAULT}, which has no device: use {@link #of} with handle 0 to wait for a device's default
   * stream.
   *
   * @throws MedPrunerCudaException if that work failed
   */
  public void synchronize() {
    if (device == null || device.isCpu()) {
      return;
    }
    acquire();
    try {
      NativeMemory.synchronize(device, handle);
    } finally {
      release();
    }
  }

  /**
   * Records the ops that {@code ops} calls on this stream, instead of running them, as a {@link
   * Graph}. On this thread and until it returns nothing may be allocated, freed or waited for on
   * the device: reserve every {@link Workspace} before, for instance by running the ops once. Ops
   * called on other streams run as ever.
   *
   * @param ops called once, on this thread, before this returns; what it throws ends the recording
   *     and is passed on
   * @return what was recorded, to launch on any stream of the device; the caller's to close
   * @throws MedPrunerException if the device is the CPU, which has no graphs
   * @throws MedPrunerCudaException if something in {@code ops} broke the recording; the stream can
   *     be used again
   * @throws IllegalArgumentException if this is a default stream
   * @throws IllegalStateException if this stream is closed or this thread is recording already
   */
  public Graph capture(Runnable ops) {
    Check.notNull("ops", ops);
    Device d = device;
    if (d == null || (d.isCuda() && handle == 0)) {
      throw Check.bad("stream", "a default stream cannot be recorded; create one");
    }
    return Graph.record(this, d, ops);
  }

  void acquire() {
    if (lifetime != null) {
      lifetime.acquire();
    }
  }

  void release() {
    if (lifetime != null) {
      lifetime.release();
    }
  }

  /** Waits for the work of an owned stream and destroys it; does nothing to others. Idempotent. */
  @Override
  public void close() {
    if (lifetime != null) {
      lifetime.close();
    }
  }

  @Override
  public String toString() {
    return lifetime != null
        ? lifetime.toString()
        : "Stream 0x" + Long.toHexString(handle) + (device == null ? "" : " on " + device);
  }
}
