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
import org.medpruner.InputException;
import org.medpruner.bench.Host;
import org.medpruner.bench.Times;

/**
 * Whether pruning pays: what a request takes under {@code off} and {@code paper}, stage by stage,
 * and how many are served a second when several come at once. Every row is a process of its own.
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
    } catch (InputException | IllegalArgumentException e) {
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
    try (RandomCheckpoint written = RandomCheckpoint.write(shape, options.folder(), false)) {
      measure(options, arguments, written.folder(), true);
    }
  }

  private static void measure(CostOptions o, String arguments, Path folder, boolean random)
      throws IOException {
    Path named = (random && o.shape() != null ? o.shape() : folder).toAbsolutePath().normalize();
    List<CostReport.Stages> stages = new ArrayList<>();
    for (int slices : o.slices()) {
      String turns = Integer.toString(o.turns());
      for (JsonNode row : child(o, folder, slices, o.threads(), "stages", turns)) {
        stages.add(ModelReport.json().treeToValue(row, CostReport.Stages.class));
      }
    }
    List<CostReport.Load> load = new ArrayList<>();
    for (int clients : o.concurrency()) {
      load.addAll(load(o, folder, 1, clients));
      if (clients > 1) {
        load.addAll(load(o, folder, clients, clients));
      }
    }
    CostReport report =
        new CostReport(
            CostReport.FORMAT,
            Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
            ("./medpruner bench cost " + arguments).strip(),
            Host.commit(o.root()),
            Host.machine(o.threads()),
            RandomCheckpoint.describe(folder, named.getFileName().toString(), random),
            stages.getFirst().compute(),
            stages.getFirst().device(),
            stages,
            load);
    System.out.print(text(report));
    Path output = o.output();
    if (output != null) {
      report.write(output);
      System.out.println("\nwritten: " + output);
    }
  }

  private static List<CostReport.Load> load(CostOptions o, Path folder, int instances, int clients)
      throws IOException {
    List<CostReport.Load> rows = new ArrayList<>();
    // Instances that work side by side share the threads.
    int threads = Math.max(1, o.threads() / instances);
    for (JsonNode row :
        child(
            o,
            folder,
            o.loadSlices(),
            threads,
            "load",
            Integer.toString(instances),
            Integer.toString(clients),
            Integer.toString(o.requests()))) {
      rows.add(ModelReport.json().treeToValue(row, CostReport.Load.class));
    }
    return rows;
  }

  private static JsonNode child(CostOptions o, Path folder, int slices, int threads, String... more)
      throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                folder.toString(),
                o.volume().toString(),
                Integer.toString(slices),
                o.compute().name(),
                o.cuda() ? "cuda" : "cpu",
                Integer.toString(threads)));
    arguments.addAll(List.of(more));
    // Read when the libraries are loaded, so not to be set from inside.
    String count = Integer.toString(threads);
    return MeasuringProcess.run(
        MeasureCost.class,
        Map.of("OMP_NUM_THREADS", count, "OPENBLAS_NUM_THREADS", count),
        arguments.toArray(new String[0]));
  }

  /** The report as tables, ratios of off over paper behind the figures. */
  static String text(CostReport report) {
    StringBuilder b = new StringBuilder();
    b.append(
        String.format(
            "%s, %s on %s, %d threads%n",
            report.checkpoint().name(),
            report.compute(),
            report.device().equals("cpu") ? report.machine().cpu() : report.device(),
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
              s.memory().peakBytes() * 1e-6));
    }
    if (!report.load().isEmpty()) {
      b.append(
          String.format(
              "%n%-9s%-11s%-8s%12s%12s%12s%10s%n",
              "at once", "instances", "setting", "requests/s", "latency", "longest", "peak MB"));
      for (CostReport.Load l : report.load()) {
        b.append(
            String.format(
                "%-9d%-11d%-8s%12.3f%12s%12s%10.0f%n",
                l.concurrency(),
                l.instances(),
                l.setting(),
                l.requestsPerSecond(),
                Times.show(l.latency().median()),
                Times.show(l.latency().max()),
                l.peakBytes() * 1e-6));
      }
    }
    return b.toString();
  }
}
