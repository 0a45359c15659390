package org.medpruner.bench.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.MedPrunerUnavailableException;
import org.medpruner.bench.Host;
import org.medpruner.bench.ResultsFile;
import org.medpruner.bench.Times;
import org.medpruner.torch.TorchRuntime;

/**
 * Whether pruning pays: what a request takes under {@code off} and {@code paper}, stage by stage,
 * and how many are served a second when several come at once.
 */
public final class CostBench {
  private CostBench() {}

  /** Exit status 0 when everything was measured, 2 for a wrong call or a full disk, 1 otherwise. */
  public static void main(String[] arguments) {
    Locale.setDefault(Locale.ROOT);
    try {
      Path root = Path.of(System.getProperty("medpruner.root", "."));
      int threads = Integer.getInteger("medpruner.bench.threads", 2);
      run(CostOptions.parse(root, threads, arguments), String.join(" ", arguments));
    } catch (InputException | IllegalArgumentException | MedPrunerUnavailableException e) {
      System.err.println("medpruner: bench cost: " + e.getMessage());
      System.exit(2);
    } catch (IOException e) {
      System.err.println("medpruner: bench cost: " + e);
      System.exit(1);
    }
  }

  private static void run(CostOptions options, String arguments) throws IOException {
    Path shape = options.shape();
    if (shape == null) {
      measure(options, arguments, options.model(), false);
      return;
    }
    if (options.cuda()) {
      TorchRuntime.requireCuda(); // before 8.6 GB are written for nothing
    }
    try (RandomCheckpoint written = RandomCheckpoint.write(shape, options.folder(), false)) {
      measure(options, arguments, written.folder(), true);
    }
  }

  private static void measure(CostOptions o, String arguments, Path folder, boolean random)
      throws IOException {
    Path named = (random && o.shape() != null ? o.shape() : folder).toAbsolutePath().normalize();
    String command = ("./medpruner bench cost " + arguments).strip();
    ModelReport.Checkpoint checkpoint =
        RandomCheckpoint.describe(folder, named.getFileName().toString(), random);
    List<CostReport.Stages> stages = new ArrayList<>();
    for (List<Integer> slices : processes(o, o.slices())) {
      stages.addAll(stages(o, folder, slices));
    }
    // Written after each process from here on: what took long is not lost to what fails.
    CostReport report = write(o, command, checkpoint, stages, List.of());
    List<CostReport.Load> load = new ArrayList<>();
    if (o.instances() != CostOptions.Instances.EACH) {
      for (List<Integer> clients : processes(o, o.concurrency())) {
        load.addAll(load(o, folder, 1, clients));
        report = write(o, command, checkpoint, stages, load);
      }
    }
    if (o.instances() != CostOptions.Instances.ONE) {
      for (int clients : o.concurrency()) {
        if (clients > 1 || o.instances() == CostOptions.Instances.EACH) {
          load.addAll(load(o, folder, clients, List.of(clients)));
          report = write(o, command, checkpoint, stages, load);
        }
      }
    }
    System.out.print(text(report));
    if (o.output() != null) {
      System.out.println("\nwritten: " + o.output());
    }
  }

  /**
   * What is measured by one process each. On the CPU every count, because a peak of resident memory
   * is a process's; on CUDA all, because the peaks that matter can be reset, and loading a model
   * takes longer than its requests.
   */
  private static List<List<Integer>> processes(CostOptions o, List<Integer> counts) {
    if (counts.isEmpty()) {
      return List.of();
    }
    return o.cuda() ? List.of(counts) : counts.stream().map(List::of).toList();
  }

  private static CostReport write(
      CostOptions o,
      String command,
      ModelReport.Checkpoint checkpoint,
      List<CostReport.Stages> stages,
      List<CostReport.Load> load)
      throws IOException {
    CostReport report =
        new CostReport(
            CostReport.FORMAT,
            Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
            command,
            Host.commit(o.root()),
            Host.machine(o.threads()),
            o.cuda() ? Host.gpu() : null,
            checkpoint,
            stages.getFirst().compute(),
            stages.getFirst().device(),
            stages,
            load);
    if (o.output() != null) {
      report.write(o.output());
    }
    return report;
  }

  private static List<CostReport.Stages> stages(CostOptions o, Path folder, List<Integer> slices)
      throws IOException {
    List<CostReport.Stages> rows = new ArrayList<>();
    String turns = Integer.toString(o.turns());
    for (JsonNode row : child(o, folder, o.threads(), "stages", counts(slices), turns)) {
      rows.add(ResultsFile.json().treeToValue(row, CostReport.Stages.class));
    }
    return rows;
  }

  private static List<CostReport.Load> load(
      CostOptions o, Path folder, int instances, List<Integer> clients) throws IOException {
    List<CostReport.Load> rows = new ArrayList<>();
    for (JsonNode row :
        child(
            o,
            folder,
            // Instances that work side by side share the threads.
            Math.max(1, o.threads() / instances),
            "load",
            Integer.toString(o.loadSlices()),
            Integer.toString(instances),
            counts(clients),
            Integer.toString(o.requests()))) {
      rows.add(ResultsFile.json().treeToValue(row, CostReport.Load.class));
    }
    return rows;
  }

  private static String counts(List<Integer> counts) {
    return counts.stream().map(Object::toString).collect(Collectors.joining(","));
  }

  private static JsonNode child(CostOptions o, Path folder, int threads, String... more)
      throws IOException {
    // Read when the libraries are loaded, so not to be set from inside.
    String count = Integer.toString(threads);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                folder.toString(),
                o.volume().toString(),
                o.compute().name(),
                o.cuda() ? "cuda" : "cpu",
                count));
    arguments.addAll(List.of(more));
    return MeasuringProcess.run(
        MeasureCost.class,
        Map.of("OMP_NUM_THREADS", count, "OPENBLAS_NUM_THREADS", count),
        arguments.toArray(new String[0]));
  }

  /** The report as tables, and what pruning saves behind them. */
  static String text(CostReport report) {
    StringBuilder b = new StringBuilder();
    b.append(
        String.format(
            "%s, %s on %s, %d threads%n",
            report.checkpoint().name(),
            report.compute(),
            report.gpu() == null ? report.machine().cpu() : report.gpu().name(),
            report.machine().threads()));
    b.append(
        String.format(
            "%-7s%-8s%6s%8s%11s%11s%11s%11s%11s%11s%10s%10s%n",
            "slices", "setting", "kept", "tokens", "anchor", "encode", "scoring", "prefill",
            "a token", "all", "KV MB", "peak MB"));
    for (CostReport.Stages s : report.stages()) {
      CostReport.Seconds t = s.seconds();
      b.append(
          String.format(
              "%-7d%-8s%6d%8d%11s%11s%11s%11s%11s%11s%10.2f%10.0f%n",
              s.slices(),
              s.setting(),
              s.slicesKept(),
              s.visualTokens(),
              Times.show(t.anchor().median()),
              Times.show(t.encode().median()),
              Times.show(t.prune().median()),
              Times.show(t.prefill().median()),
              Times.show(t.decodeStep().median()),
              Times.show(t.total().median()),
              s.memory().kvBytes() * 1e-6,
              peak(s.memory().device(), s.memory().peakBytes())));
    }
    b.append("\n").append(savings(report));
    if (!report.load().isEmpty()) {
      b.append(
          String.format(
              "%n%-9s%-11s%-8s%12s%12s%12s%10s%n",
              "at once", "instances", "setting", "requests/s", "latency", "longest", "peak MB"));
      for (CostReport.Load l : report.load()) {
        b.append(
            String.format(
                "%-9d%-11d%-8s%12s%12s%12s%10.0f%n",
                l.concurrency(),
                l.instances(),
                l.setting(),
                // A request of a 4B model takes minutes on a CPU: two decimals would say 0.01.
                String.format(Locale.ROOT, "%.3g", l.requestsPerSecond()),
                Times.show(l.latency().median()),
                Times.show(l.latency().max()),
                peak(l.device(), l.peakBytes())));
      }
      b.append("\n").append(throughput(report));
    }
    return b.toString();
  }

  /**
   * Off over paper, and what share of paper's time its own two stages take: a table in Markdown.
   */
  static String savings(CostReport report) {
    StringBuilder b =
        new StringBuilder(
            "| slices | kept | visual tokens | anchoring | encoder | scoring |"
                + " prefill | a token | all | KV cache | peak memory |\n"
                + "|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (CostReport.Stages paper : report.stages()) {
      for (CostReport.Stages off : report.stages()) {
        if (paper.setting().equals("paper")
            && off.setting().equals("off")
            && off.slices() == paper.slices()) {
          b.append(saving(off, paper));
        }
      }
    }
    return b.toString();
  }

  /** Requests a second under paper over those under off: a table in Markdown. */
  static String throughput(CostReport report) {
    boolean each = report.load().stream().anyMatch(l -> l.instances() > 1);
    StringBuilder b =
        new StringBuilder("| at once | one instance, queued |")
            .append(each ? " one instance a client |\n|---|---|---|\n" : "\n|---|---|\n");
    report.load().stream()
        .map(CostReport.Load::concurrency)
        .distinct()
        .forEach(
            n -> {
              b.append("| ").append(n).append(" | ").append(gain(report, n, 1));
              if (each) {
                // One client has one instance: that is the column before.
                b.append("| ").append(n == 1 ? "" : gain(report, n, n));
              }
              b.append("|\n");
            });
    return b.toString();
  }

  private static String gain(CostReport report, int clients, int instances) {
    double[] rates = new double[2];
    for (CostReport.Load l : report.load()) {
      if (l.concurrency() == clients && l.instances() == instances) {
        rates[l.setting().equals("paper") ? 0 : 1] = l.requestsPerSecond();
      }
    }
    return rates[0] > 0 && rates[1] > 0 ? factor(rates[0], rates[1]) + " " : "";
  }

  private static String saving(CostReport.Stages off, CostReport.Stages paper) {
    CostReport.Seconds o = off.seconds();
    CostReport.Seconds p = paper.seconds();
    return String.format(
        "| %d | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
        paper.slices(),
        paper.slicesKept(),
        factor(off.visualTokens(), paper.visualTokens()),
        share(p.anchor().median(), p.total().median()),
        factor(o.encode().median(), p.encode().median()),
        share(p.prune().median(), p.total().median()),
        factor(o.prefill().median(), p.prefill().median()),
        factor(o.decodeStep().median(), p.decodeStep().median()),
        factor(o.total().median(), p.total().median()),
        factor(off.memory().kvBytes(), paper.memory().kvBytes()),
        factor(
            peak(off.memory().device(), off.memory().peakBytes()),
            peak(paper.memory().device(), paper.memory().peakBytes())));
  }

  private static String share(double part, double whole) {
    return String.format(Locale.ROOT, "%.2g %%", 100 * part / whole);
  }

  private static String factor(double off, double paper) {
    double ratio = off / paper;
    return String.format(Locale.ROOT, ratio < 9.95 ? "%.1fx" : "%.0fx", ratio);
  }

  /** Megabytes: of the device where the model lies on one. */
  private static double peak(CostReport.@Nullable DeviceMemory device, long residentBytes) {
    return (device == null ? residentBytes : device.peakBytes()) * 1e-6;
  }
}
