package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.medpruner.internal.ffm.Layouts.BUILD_INFO;
import static org.medpruner.internal.ffm.Layouts.CUDA_DEVICE_INFO;
import static org.medpruner.internal.ffm.Layouts.offset;

import java.lang.foreign.MemorySegment;
import org.medpruner.MedPruner;

/** Versions, what the library contains, and what this machine offers. */
public final class NativeInfo {
  private static final long REASON_CAPACITY = 512;
  private static final long STATIC_TEXT_LIMIT = 4096;

  private NativeInfo() {}

  /** What the loaded library was built from. */
  public static MedPruner.BuildInfo buildInfo() {
    NativeLibrary library = NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment info = f.sized(BUILD_INFO);
      Status.check(NativeCalls.getBuildInfo(info));
      return new MedPruner.BuildInfo(
          text(info, "version"),
          NativeLibrary.abiText(library.abi()),
          text(info, "compiler"),
          text(info, "build_type"),
          info.get(JAVA_INT, offset(BUILD_INFO, "has_cuda")) != 0,
          info.get(JAVA_INT, offset(BUILD_INFO, "cuda_version")),
          text(info, "cuda_architectures"),
          library.path());
    }
  }

  private static String text(MemorySegment info, String field) {
    return text(info.get(ADDRESS, offset(BUILD_INFO, field)));
  }

  // Static strings of the library, which stays loaded.
  private static String text(MemorySegment pointer) {
    return pointer.reinterpret(STATIC_TEXT_LIMIT).getString(0);
  }

  /** Best known tier of this CPU. */
  public static String cpuIsa() {
    NativeLibrary.get();
    return text(NativeCalls.cpuIsa());
  }

  /** How many threads one CPU call may use. */
  public static int cpuThreads() {
    NativeLibrary.get();
    return NativeCalls.cpuThreads();
  }

  /** Sets that; 0 is the default. */
  public static void setCpuThreads(int threads) {
    NativeLibrary.get();
    Status.check(NativeCalls.setCpuThreads(threads));
  }

  /**
   * Number of CUDA devices, and why there are none.
   *
   * @param count usable devices
   * @param reason empty if there are some
   */
  public record CudaCount(int count, String reason) {}

  /** Asks for the CUDA devices. */
  public static CudaCount cudaCount() {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment count = f.word();
      MemorySegment reason = f.text(REASON_CAPACITY);
      Status.check(NativeCalls.cudaDeviceCount(count, reason, REASON_CAPACITY));
      return new CudaCount(count.get(JAVA_INT, 0), reason.getString(0));
    }
  }

  /** Properties of one CUDA device. */
  public static MedPruner.CudaDevice cudaDevice(int index) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment i = f.sized(CUDA_DEVICE_INFO);
      Status.check(NativeCalls.cudaDeviceGet(index, i));
      return new MedPruner.CudaDevice(
          index,
          i.getString(offset(CUDA_DEVICE_INFO, "name")),
          i.get(JAVA_INT, offset(CUDA_DEVICE_INFO, "compute_major")),
          i.get(JAVA_INT, offset(CUDA_DEVICE_INFO, "compute_minor")),
          i.get(JAVA_INT, offset(CUDA_DEVICE_INFO, "multiprocessors")),
          i.get(JAVA_LONG, offset(CUDA_DEVICE_INFO, "total_memory_bytes")),
          i.get(JAVA_INT, offset(CUDA_DEVICE_INFO, "driver_version")),
          i.get(JAVA_INT, offset(CUDA_DEVICE_INFO, "runtime_version")));
    }
  }
}
