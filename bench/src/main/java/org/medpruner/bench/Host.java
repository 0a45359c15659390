package org.medpruner.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
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

  /** The commit of the folder; results are no change, or a second run would be "dirty". */
  public static Report.Commit commit(Path root) {
    String id = git(root, "rev-parse", "HEAD");
    String changes =
        git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results");
    return new Report.Commit(id.isEmpty() ? "unknown" : id, !changes.isEmpty());
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
