package org.medpruner;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.NativeInfo;

/** The library as a whole: what it is, and whether it works here. */
public final class MedPruner {
  private MedPruner() {}

  /**
   * What the native library was built from.
   *
   * @param version library version
   * @param abi version of its C interface, "1.0"
   * @param compiler compiler and its version
   * @param buildType CMake build type
   * @param hasCuda whether the CUDA backend is compiled in
   * @param cudaVersion CUDA toolkit it was compiled with, 13000 for 13.0; 0 without CUDA
   * @param cudaArchitectures architectures with machine code, "80;90;120"; empty without CUDA
   * @param path the file it was loaded from
   */
  public record BuildInfo(
      String version,
      String abi,
      String compiler,
      String buildType,
      boolean hasCuda,
      int cudaVersion,
      String cudaArchitectures,
      Path path) {}

  /**
   * A CUDA device of this machine.
   *
   * @param index to give to {@link Device#cuda}
   * @param name its marketing name
   * @param computeMajor major compute capability
   * @param computeMinor minor compute capability
   * @param multiprocessors number of streaming multiprocessors
   * @param totalMemoryBytes its memory
   * @param driverVersion newest CUDA the driver supports, 13000 for 13.0
   * @param runtimeVersion CUDA runtime in the library
   */
  public record CudaDevice(
      int index,
      String name,
      int computeMajor,
      int computeMinor,
      int multiprocessors,
      long totalMemoryBytes,
      int driverVersion,
      int runtimeVersion) {}

  /** Whether the native library works here. */
  public sealed interface Status {
    /**
     * It does; ops run on the CPU at least.
     *
     * @param info what was loaded
     */
    record Available(BuildInfo info) implements Status {}

    /**
     * It does not; ops throw {@link MedPrunerUnavailableException}.
     *
     * @param reason every attempt to load it and why it failed
     * @param cause of the first failure that had one
     */
    record Unavailable(String reason, @Nullable Throwable cause) implements Status {}
  }

  /** Whether CUDA devices can be used here. */
  public sealed interface CudaStatus {
    /**
     * They can.
     *
     * @param devices at least one
     */
    record Available(List<CudaDevice> devices) implements CudaStatus {
      /** Copies the list. */
      public Available {
        devices = List.copyOf(devices);
      }
    }

    /**
     * They cannot.
     *
     * @param reason for instance that there is no driver
     * @param cause if an exception was met
     */
    record Unavailable(String reason, @Nullable Throwable cause) implements CudaStatus {}
  }

  /**
   * Whether the native library works here; loads it when first asked. Never throws.
   *
   * @return {@link Status.Available} or {@link Status.Unavailable}; the same for the process's life
   */
  public static Status status() {
    try {
      return new Status.Available(NativeInfo.buildInfo());
    } catch (MedPrunerException | LinkageError e) {
      return new Status.Unavailable(reason(e), cause(e));
    }
  }

  /**
   * Whether CUDA devices can be used here, and which. Never throws.
   *
   * @return {@link CudaStatus.Available} with every device, or {@link CudaStatus.Unavailable}
   */
  public static CudaStatus cudaStatus() {
    try {
      NativeInfo.CudaCount found = NativeInfo.cudaCount();
      if (found.count() == 0) {
        return new CudaStatus.Unavailable(found.reason(), null);
      }
      List<CudaDevice> devices = new ArrayList<>();
      for (int i = 0; i < found.count(); i++) {
        devices.add(NativeInfo.cudaDevice(i));
      }
      return new CudaStatus.Available(devices);
    } catch (MedPrunerException | LinkageError e) {
      return new CudaStatus.Unavailable(reason(e), cause(e));
    }
  }

  private static String reason(Throwable e) {
    String message = e.getMessage();
    return message != null ? message : e.toString();
  }

  private static @Nullable Throwable cause(Throwable e) {
    return e instanceof MedPrunerUnavailableException ? e.getCause() : e;
  }

  /** {@return the version of these classes, "0.1.0"; "unknown" without the jar's resources} */
  public static String version() {
    return Version.TEXT;
  }

  /**
   * What the native library was built from; loads it when first asked.
   *
   * @return versions and options of the build
   * @throws MedPrunerUnavailableException if it cannot be loaded
   */
  public static BuildInfo buildInfo() {
    return NativeInfo.buildInfo();
  }

  /**
   * The instruction set tier whose kernels run on this CPU. Results do not depend on it.
   *
   * @return "x86-64", "avx2+fma", "avx512" or "neon"
   * @throws MedPrunerUnavailableException if the native library cannot be loaded
   */
  public static String cpuIsa() {
    return NativeInfo.cpuIsa();
  }

  /**
   * How many threads one op on the CPU may use, the calling one included.
   *
   * @return at least 1; results do not depend on it
   * @throws MedPrunerUnavailableException if the native library cannot be loaded
   */
  public static int cpuThreads() {
    return NativeInfo.cpuThreads();
  }

  /**
   * Sets how many threads one op on the CPU may use, the calling one included, for calls that begin
   * later, in the whole process. They share one pool, and a call that finds it taken uses its own
   * thread alone. Small calls always do. Results do not depend on it.
   *
   * @param threads 1 to 256, or 0 for the default: {@code MEDPRUNER_THREADS} in the environment, or
   *     else the processors this process may run on, in a container no more than its quota of them
   * @throws IllegalArgumentException if it is another number
   * @throws MedPrunerUnavailableException if the native library cannot be loaded
   */
  public static void setCpuThreads(int threads) {
    NativeInfo.setCpuThreads(threads);
  }

  private static final class Version {
    static final String TEXT = read();

    private static String read() {
      Properties p = new Properties();
      try (InputStream in = MedPruner.class.getResourceAsStream("version.properties")) {
        if (in != null) {
          p.load(in);
        }
      } catch (IOException e) {
        throw new MedPrunerException("version.properties is not readable", e);
      }
      return p.getProperty("version", "unknown");
    }
  }
}
