package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.medpruner.Device;

/** Allocation, copies and streams. */
public final class NativeMemory {
  // Heap arrays reach a device through a native block of this size: large enough for full PCIe
  // speed, small enough not to matter beside the data.
  private static final long STAGING_BYTES = 4L << 20;

  private NativeMemory() {}

  /** Address of new memory; 0 for no bytes. */
  public static long allocate(Device device, long bytes) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment pointer = f.word();
      Status.check(NativeCalls.alloc(f.device(device), bytes, pointer));
      return pointer.get(ADDRESS, 0).address();
    }
  }

  /** Frees what {@link #allocate} gave. */
  public static void free(Device device, long address) {
    try (Frame f = new Frame()) {
      Status.check(NativeCalls.free(f.device(device), MemorySegment.ofAddress(address)));
    }
  }

  /** Host memory as a segment that lives as long as {@code arena}, then runs {@code cleanup}. */
  public static MemorySegment segment(
      long address, long bytes, Arena arena, @Nullable Runnable cleanup) {
    return MemorySegment.ofAddress(address)
        .reinterpret(bytes, arena, cleanup == null ? null : s -> cleanup.run());
  }

  private static MemorySegment unchecked(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  /** Copies host memory to a device address; done on return. */
  public static void copyIn(Device device, long address, MemorySegment source) {
    long bytes = source.byteSize();
    if (bytes == 0) {
      return;
    }
    if (device.isCpu()) {
      MemorySegment.copy(source, 0, unchecked(address, bytes), 0, bytes);
    } else if (source.isNative()) {
      try {
        copy(MemorySegment.ofAddress(address), device, source, Device.CPU, bytes);
      } finally {
        Reference.reachabilityFence(source);
      }
    } else {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment staging = arena.allocate(Math.min(bytes, STAGING_BYTES));
        for (long at = 0; at < bytes; at += STAGING_BYTES) {
          long n = Math.min(STAGING_BYTES, bytes - at);
          MemorySegment.copy(source, at, staging, 0, n);
          copy(MemorySegment.ofAddress(address + at), device, staging, Device.CPU, n);
        }
      }
    }
  }

  /** Copies from a device address to host memory; done on return. */
  public static void copyOut(Device device, long address, MemorySegment destination) {
    long bytes = destination.byteSize();
    if (destination.isReadOnly()) {
      throw new IllegalArgumentException("destination: the segment is read-only");
    }
    if (bytes == 0) {
      return;
    }
    if (device.isCpu()) {
      MemorySegment.copy(unchecked(address, bytes), 0, destination, 0, bytes);
    } else if (destination.isNative()) {
      try {
        copy(destination, Device.CPU, MemorySegment.ofAddress(address), device, bytes);
      } finally {
        Reference.reachabilityFence(destination);
      }
    } else {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment staging = arena.allocate(Math.min(bytes, STAGING_BYTES));
        for (long at = 0; at < bytes; at += STAGING_BYTES) {
          long n = Math.min(STAGING_BYTES, bytes - at);
          copy(staging, Device.CPU, MemorySegment.ofAddress(address + at), device, n);
          MemorySegment.copy(staging, 0, destination, at, n);
        }
      }
    }
  }

  /**
   * The host side is a segment of its own arena, not a bare address: so the downcall refuses memory
   * that is closed or confined to another thread, and holds off closing it until it returns. By
   * then the driver has taken or written all pageable memory.
   */
  private static void copy(
      MemorySegment to, Device toDevice, MemorySegment from, Device fromDevice, long bytes) {
    try (Frame f = new Frame()) {
      Status.check(
          NativeCalls.copy(
              to, f.device(toDevice), from, f.device(fromDevice), bytes, MemorySegment.NULL));
    }
    synchronize(toDevice.isCuda() ? toDevice : fromDevice, 0);
  }

  /** A new stream's handle. */
  public static long createStream(Device device) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment stream = f.word();
      Status.check(NativeCalls.streamCreate(f.device(device), stream));
      return stream.get(ADDRESS, 0).address();
    }
  }

  /** Waits for the stream's work and destroys it. */
  public static void destroyStream(Device device, long stream) {
    try (Frame f = new Frame()) {
      Status.check(NativeCalls.streamDestroy(f.device(device), MemorySegment.ofAddress(stream)));
    }
  }

  /** Waits for the stream's work. */
  public static void synchronize(Device device, long stream) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      Status.check(
          NativeCalls.streamSynchronize(f.device(device), MemorySegment.ofAddress(stream)));
    }
  }
}
