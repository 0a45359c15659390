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
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.MedPrunerUnavailableException;
import org.medpruner.bench.Host;
import org.medpruner.bench.ResultsFile;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.vlm.ComputeType;

/**
 * Writes a random checkpoint of a model's exact shape, or takes one that is there, and measures
 * what loading and running it takes, one process for each compute type.
 */
public final class ModelBench {
  private ModelBench() {}

  /** Exit status 0 when everything was measured, 2 for a wrong call or a full disk, 1 otherwise. */
  public static void main(String[] arguments) {
    Locale.setDefault(Locale.ROOT);
    try {
      Path root = Path.of(System.getProperty("medpruner.root", "."));
      int threads = Integer.getInteger("medpruner.bench.threads", 2);
      run(ModelBenchOptions.parse(root, threads, arguments), String.join(" ", arguments));
    } catch (InputException | IllegalArgumentException | MedPrunerUnavailableException e) {
      System.err.println("medpruner: bench model: " + e.getMessage());
      System.exit(2);
    } catch (IOException e) {
      System.err.println("medpruner: bench model: " + e);
      System.exit(1);
    }
  }

  private static void run(ModelBenchOptions options, String arguments) throws IOException {
    Path given = options.model();
    if (given != null) {
      measure(options, arguments, given, given.getFileName().toString());
      return;
    }
    if (options.cuda()) {
      TorchRuntime.requireCuda(); // before 8.6 GB are written for nothing
    }
    try (RandomCheckpoint written =
        RandomCheckpoint.write(options.shape(), options.folder(), options.keep())) {
      measure(options, arguments, written.folder(), options.shape().getFileName().toString());
    }
  }

  private static void measure(ModelBenchOptions options, String arguments, Path folder, String name)
      throws IOException {
    ModelReport.Checkpoint checkpoint =
        RandomCheckpoint.describe(folder, name, options.model() == null);
    List<ModelReport.Run> runs = new ArrayList<>();
    for (ComputeType compute : options.computeTypes()) {
      System.err.println("measuring " + name + ", compute type " + compute);
      runs.add(child(options, folder, compute));
    }
    ModelReport report =
        new ModelReport(
            ModelReport.FORMAT,
            Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
            ("./medpruner bench model " + arguments).strip(),
            Host.commit(options.root()),
            Host.machine(options.threads()),
            options.cuda() ? Host.gpu() : null,
            checkpoint,
            runs);
    System.out.print(text(report));
    Path output = options.output();
    if (output != null) {
      report.write(output);
      System.out.println("\nwritten: " + output);
    }
  }

  private static ModelReport.Run child(ModelBenchOptions options, Path folder, ComputeType compute)
      throws IOException {
    JsonNode json =
        MeasuringProcess.run(
            MeasureModel.class,
            Map.of(),
            folder.toString(),
            options.volume().toString(),
            Integer.toString(options.slices()),
            compute.name(),
            options.cuda() ? "cuda" : "cpu",
            Integer.toString(options.threads()));
    return ResultsFile.json().treeToValue(json, ModelReport.Run.class);
  }

  /** The report as a table. */
  static String text(ModelReport report) {
    StringBuilder b = new StringBuilder();
    ModelReport.Checkpoint c = report.checkpoint();
    b.append(
        String.format(
            "%s%s: %,d parameters, %s, %.2f GB; %s, %d threads%n",
            c.name(),
            c.random() ? " (random weights)" : "",
            c.parameters(),
            c.storageType(),
            c.bytes() * 1e-9,
            report.gpu() == null ? report.machine().cpu() : report.gpu().name(),
            report.machine().threads()));
    b.append(
        String.format(
            "%-9s %6s %8s %8s %8s %9s %16s %8s %8s %8s %8s %8s%n",
            "compute",
            "kept",
            "load",
            "encode",
            "prefill",
            "(tokens)",
            "decode steps",
            "KV",
            "peak",
            "anon",
            "mapped",
            "device"));
    for (ModelReport.Run r : report.runs()) {
      StringBuilder steps = new StringBuilder();
      r.seconds().decodeSteps().forEach(s -> steps.append(String.format(" %.2f", s)));
      CostReport.@Nullable DeviceMemory device = r.memory().device();
      b.append(
          String.format(
              "%-9s %6s %6.2f s %6.1f s %6.1f s %9d %14s s %5.0f MB %5.1f GB %5.1f GB %5.1f GB"
                  + " %8s%n",
              r.compute(),
              r.slicesKept() + "/" + r.slices(),
              r.seconds().load(),
              r.seconds().encode(),
              r.seconds().prefill(),
              r.promptTokens(),
              steps.toString().strip(),
              r.memory().kvBytes() * 1e-6,
              r.memory().peakBytes() * 1e-9,
              r.memory().peakAnonymousBytes() * 1e-9,
              r.memory().peakFileBytes() * 1e-9,
              device == null ? "-" : String.format("%.1f GB", device.peakBytes() * 1e-9)));
    }
    return b.toString();
  }
}
