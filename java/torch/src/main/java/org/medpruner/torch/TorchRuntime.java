package org.medpruner.torch;

import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.medpruner.MedPrunerUnavailableException;

/**
 * LibTorch's native libraries: loaded once, on first use, from the jars on the path. Thread-safe.
 *
 * <p>The first load on a machine unpacks about 445 MB into JavaCPP's cache ({@code
 * ~/.javacpp/cache}, or {@code -Dorg.bytedeco.javacpp.cachedir=DIR}) and takes seconds; later ones
 * about 1.5 s.
 */
public final class TorchRuntime {
  /** Whether LibTorch can be used. */
  public sealed interface Status {}

  /**
   * It can.
   *
   * @param version of the JavaCPP preset, LibTorch's version first ("2.10.0-1.5.13")
   * @param threads threads of one op on the CPU
   * @param cudaUnavailable why CUDA cannot be used, or null if it can
   * @param cudaDevices number of CUDA devices
   */
  public record Available(
      String version, int threads, @Nullable String cudaUnavailable, int cudaDevices)
      implements Status {}

  /**
   * It cannot.
   *
   * @param reason one line
   * @param cause what loading threw
   */
  public record Unavailable(String reason, Throwable cause) implements Status {}

  /** Loads on first use; a failure is kept, as a class that failed to initialise never recovers. */
  private static final class Holder {
    static final Status STATUS = load();
  }

  /** Work below which switching BLAS threads costs more than it saves: about 10 ms of attention. */
  private static final double MIN_SWITCH_FLOPS = 5e8;

  private TorchRuntime() {}

  /**
   * Loads LibTorch if need be and says how that went; never throws.
   *
   * @return {@link Available} or {@link Unavailable}; the same for the process's life
   */
  public static Status status() {
    return Holder.STATUS;
  }

  /**
   * Loads LibTorch if need be.
   *
   * @return what was loaded
   * @throws MedPrunerUnavailableException if it cannot be loaded; the message says why
   */
  public static Available require() {
    return switch (status()) {
      case Available a -> a;
      case Unavailable u ->
          throw new MedPrunerUnavailableException("LibTorch: " + u.reason(), u.cause());
    };
  }

  /**
   * Checks that LibTorch can run on CUDA.
   *
   * @throws MedPrunerUnavailableException if it cannot; the message says why
   */
  public static void requireCuda() {
    String reason = require().cudaUnavailable();
    if (reason != null) {
      throw new MedPrunerUnavailableException("CUDA is unavailable: " + reason);
    }
  }

  @SuppressWarnings("CatchingUnchecked") // a status never throws, whatever a driver does
  private static Status load() {
    try {
      Loader.load(torch.class);
      String version = torch.class.getPackage().getImplementationVersion();
      if (version == null) {
        version = Loader.getVersion("org.bytedeco", "pytorch");
      }
      if (version == null) {
        version = "unknown";
      }
      int devices = torch.hasCUDA() ? torch.cuda_device_count() : 0;
      return new Available(version, torch.get_num_threads(), cudaReason(devices, version), devices);
    } catch (LinkageError e) {
      return new Unavailable("its native library cannot be loaded: " + firstLine(e), e);
    } catch (Exception e) {
      return new Unavailable("it cannot be used: " + firstLine(e), e);
    }
  }

  private static @Nullable String cudaReason(int devices, String version) {
    if (devices > 0) {
      return null;
    }
    // hasCUDA() is false without a device too, so it does not tell the builds apart.
    boolean built = configuration().contains("USE_CUDA=1");
    return built
        ? "LibTorch finds no CUDA device; is an NVIDIA driver for CUDA 13 installed?"
        : "this is LibTorch's CPU build; the CUDA one is org.bytedeco:pytorch:"
            + version
            + ":"
            + Loader.getPlatform()
            + "-gpu, added at run time (for ./medpruner: MEDPRUNER_MAVEN_OPTS=-Pgpu)";
  }

  /**
   * Runs an attention call on the CPU with one BLAS thread, where that pays. LibTorch's fused
   * attention calls BLAS from each of its own threads; OpenBLAS answers every one of these small
   * products with its own pool, and the two pools fight: 1.6 s instead of 0.8 s for 16 heads of
   * 4,096 on two idle cores, far more on busy ones. Switching costs 2 to 11 ms each way, so small
   * calls are left alone. The setting is the process's: other threads' products run on one thread
   * meanwhile.
   *
   * @param <T> what the call gives
   * @param flops floating-point operations of the call; below 5e8 no thread count is changed
   * @param attention called once, on this thread
   * @return what {@code attention} gave
   */
  public static <T> T withOneBlasThread(double flops, Supplier<T> attention) {
    if (flops < MIN_SWITCH_FLOPS) {
      return attention.get();
    }
    int threads = openblas_nolapack.blas_get_num_threads();
    if (threads == 1) {
      return attention.get();
    }
    openblas_nolapack.blas_set_num_threads(1);
    try {
      return attention.get();
    } finally {
      openblas_nolapack.blas_set_num_threads(threads);
    }
  }

  /**
   * LibTorch's build configuration, for diagnostics.
   *
   * @return several lines: versions, compiler, BLAS, flags
   * @throws MedPrunerUnavailableException if LibTorch cannot be loaded
   */
  public static String buildConfiguration() {
    require();
    return configuration();
  }

  private static String configuration() {
    try (BytePointer text = torch.show_config()) {
      return text.getString();
    }
  }

  private static String firstLine(Throwable t) {
    String message = String.valueOf(t.getMessage());
    int end = message.indexOf('\n');
    return t.getClass().getSimpleName() + ": " + (end < 0 ? message : message.substring(0, end));
  }
}
