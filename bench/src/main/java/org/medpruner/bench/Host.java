package org.medpruner.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.medpruner.MedPruner;
import org.medpruner.torch.TorchRuntime;

/** What a results file says about where it comes from. */
public final class Host {
  private Host() {}

  public static Report.Machine machine(int threads) {
    return new Report.Machine(
        line(Path.of("/proc/cpuinfo"), "model name", System.getProperty("os.arch")),
        Runtime.getRuntime().availableProcessors(),
        MedPruner.cpuIsa(),
        threads,
        kilobytes() * 1024,
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"),
        MedPruner.buildInfo().compiler() + ", " + MedPruner.buildInfo().buildType(),
        System.getProperty("java.vm.vendor") + " " + Runtime.version(),
        "LibTorch " + TorchRuntime.require().version());
  }

  /** CUDA device 0, or null if there is none. */
  public static Report.@Nullable Gpu gpu() {
    if (!(MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Available a)) {
      return null;
    }
    MedPruner.CudaDevice d = a.devices().getFirst();
    return new Report.Gpu(
        d.name(),
        d.computeMajor() + "." + d.computeMinor(),
        d.multiprocessors(),
        d.totalMemoryBytes(),
        driver(),
        "runtime " + release(d.runtimeVersion()) + ", driver for " + release(d.driverVersion()));
  }

  private static String release(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  private static @Nullable String driver() {
    // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu ..."
    Matcher version =
        Pattern.compile(" (\\d+\\.[\\d.]+) ")
            .matcher(line(Path.of("/proc/driver/nvidia/version"), "NVRM version", ""));
    return version.find() ? version.group(1) : null;
  }

  private static long kilobytes() {
    String text = line(Path.of("/proc/meminfo"), "MemTotal", "0");
    return Long.parseLong(text.replaceAll("[^0-9]", ""));
  }

  private static String line(Path file, String field, String otherwise) {
    try {
      for (String line : Files.readAllLines(file)) {
        int colon = line.indexOf(':');
        if (colon > 0 && line.substring(0, colon).strip().equals(field)) {
          return line.substring(colon + 1).strip();
        }
      }
      return otherwise;
    } catch (IOException e) {
      return otherwise;
    }
  }

  /**
   * The commit of the folder; results are no change, or a second run would be "dirty". A packed
   * copy has none, but a file COMMIT as {@code ./medpruner gpu-pack} writes it.
   */
  public static Report.Commit commit(Path root) {
    Path packed = root.resolve("COMMIT");
    if (Files.isRegularFile(packed)) {
      return packed(packed);
    }
    String id = git(root, "rev-parse", "HEAD");
    String changes =
        git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results");
    return new Report.Commit(id.isEmpty() ? "unknown" : id, !changes.isEmpty());
  }

  private static Report.Commit packed(Path file) {
    try {
      String text = Files.readString(file).strip();
      String id = text.replaceFirst("-dirty$", "");
      boolean known = id.matches("[0-9a-f]{40}");
      return new Report.Commit(known ? id : "unknown", known && !id.equals(text));
    } catch (IOException e) {
      return new Report.Commit("unknown", false);
    }
  }

  private static String git(Path root, String... arguments) {
    String[] command = new String[arguments.length + 3];
    command[0] = "git";
    command[1] = "-C";
    command[2] = root.toString();
    System.arraycopy(arguments, 0, command, 3, arguments.length);
    try {
      Process p =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      String text = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return p.waitFor(30, TimeUnit.SECONDS) && p.exitValue() == 0 ? text.strip() : "";
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }
}
