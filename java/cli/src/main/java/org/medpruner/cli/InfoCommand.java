package org.medpruner.cli;

import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.medpruner.MedPruner;
import org.medpruner.torch.TorchRuntime;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** {@code medpruner info}. */
@Command(name = "info", description = "Shows versions, backends, and why one is unavailable.")
final class InfoCommand implements Callable<Integer> {
  @ParentCommand
  @SuppressWarnings("NullAway.Init") // set by picocli before the command runs
  private Main main;

  @Override
  public Integer call() {
    PrintStream out = main.out();
    row(out, "medpruner", Versions.medpruner());
    row(
        out,
        "Java",
        Runtime.version()
            + " ("
            + System.getProperty("java.vm.vendor")
            + "), heap "
            + Summary.bytes(Runtime.getRuntime().maxMemory()));
    row(
        out,
        "system",
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + ", "
            + System.getProperty("os.arch")
            + ", "
            + Runtime.getRuntime().availableProcessors()
            + " processors");
    boolean loaded =
        switch (MedPruner.status()) {
          case MedPruner.Status.Available a -> {
            library(out, a.info());
            yield true;
          }
          case MedPruner.Status.Unavailable u -> {
            row(out, "libmedpruner", "unavailable: " + u.reason());
            yield false;
          }
        };
    row(out, "backends", loaded ? "cpu" + (cuda() == null ? ", cuda" : "") : "none");
    if (loaded) {
      row(out, "CPU", MedPruner.cpuIsa() + ", " + MedPruner.cpuThreads() + " threads per op");
      gpu(out);
    }
    switch (TorchRuntime.status()) {
      case TorchRuntime.Available t -> {
        row(out, "LibTorch", t.version() + ", " + t.threads() + " threads per op");
        String why = t.cudaUnavailable();
        row(
            out,
            "LibTorch CUDA",
            why == null ? t.cudaDevices() + " devices" : "unavailable: " + why);
      }
      case TorchRuntime.Unavailable t -> row(out, "LibTorch", "unavailable: " + t.reason());
    }
    return 0;
  }

  private static void library(PrintStream out, MedPruner.BuildInfo info) {
    row(
        out,
        "libmedpruner",
        info.version() + ", ABI " + info.abi() + ", " + info.compiler() + ", " + info.buildType());
    row(out, "library file", info.path().toString());
    row(
        out,
        "CUDA backend",
        info.hasCuda()
            ? "compiled in, CUDA "
                + cudaVersion(info.cudaVersion())
                + ", for sm "
                + info.cudaArchitectures()
            : "not compiled in");
  }

  /** Why CUDA cannot be used, or null. */
  private static @Nullable String cuda() {
    return MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable u ? u.reason() : null;
  }

  private static void gpu(PrintStream out) {
    switch (MedPruner.cudaStatus()) {
      case MedPruner.CudaStatus.Available a -> {
        for (MedPruner.CudaDevice d : a.devices()) {
          row(
              out,
              "GPU " + d.index(),
              d.name()
                  + ", sm_"
                  + d.computeMajor()
                  + d.computeMinor()
                  + ", "
                  + d.multiprocessors()
                  + " multiprocessors, "
                  + Summary.bytes(d.totalMemoryBytes())
                  + ", driver CUDA "
                  + cudaVersion(d.driverVersion()));
        }
      }
      case MedPruner.CudaStatus.Unavailable u -> row(out, "GPU", "CUDA unavailable: " + u.reason());
    }
  }

  /** 13.0 for 13000. */
  private static String cudaVersion(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  private static void row(PrintStream out, String name, String value) {
    out.println(String.format(Locale.ROOT, "%-16s%s", name, Failures.oneLine(value)));
  }
}
