package org.medpruner.bench.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.bench.Host;
import org.medpruner.vlm.ComputeType;
import org.medpruner.vlm.checkpoint.Checkpoint;
import org.medpruner.vlm.checkpoint.SafetensorsWriter;
import org.medpruner.vlm.checkpoint.StorageType;
import org.medpruner.vlm.gemma.GemmaConfig;

/**
 * Writes a random checkpoint of a model's exact shape, or takes one that is there, and measures
 * what loading and running it takes, one process for each compute type.
 */
public final class ModelBench {
  /** Shards as the Hub cuts them. */
  private static final long SHARD_BYTES = 5_000_000_000L;

  /** Left free on the disk beside the checkpoint. */
  private static final long SPARE_BYTES = 256L << 20;

  private static final long SEED = 20_260_101;

  /** Java heap of the measuring process: the slices of a volume, not the weights. */
  private static final int HEAP_MB = 1024;

  private ModelBench() {}

  /** Exit status 0 when everything was measured, 2 for a wrong call or a full disk, 1 otherwise. */
  public static void main(String[] arguments) {
    Locale.setDefault(Locale.ROOT);
    try {
      Path root = Path.of(System.getProperty("medpruner.root", "."));
      int threads = Integer.getInteger("medpruner.bench.threads", 2);
      run(ModelBenchOptions.parse(root, threads, arguments), String.join(" ", arguments));
    } catch (InputException | IllegalArgumentException e) {
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
    Path folder = newFolder(options);
    // Also when the user interrupts: 8.6 GB are not left behind.
    Thread cleaner = new Thread(() -> delete(folder));
    if (!options.keep()) {
      Runtime.getRuntime().addShutdownHook(cleaner);
    }
    writeCheckpoint(options.shape(), folder, StorageType.BF16);
    measure(options, arguments, folder, options.shape().getFileName().toString());
    if (options.keep()) {
      System.err.println("kept: " + folder);
    }
  }

  private static Path newFolder(ModelBenchOptions options) throws IOException {
    long needed =
        GemmaTensors.of(GemmaConfig.read(options.shape()), StorageType.BF16).stream()
            .mapToLong(SafetensorsWriter.Tensor::bytes)
            .sum();
    Files.createDirectories(options.folder());
    long free = Files.getFileStore(options.folder()).getUsableSpace();
    if (free < needed + SPARE_BYTES) {
      throw new InputException(
          String.format(
              "%s has %.1f GB free, but the checkpoint takes %.1f GB; name another folder with --dir",
              options.folder(), free * 1e-9, needed * 1e-9));
    }
    return Files.createTempDirectory(options.folder(), "random-model-");
  }

  /** Writes a random checkpoint of the shape in {@code shape/config.json}. */
  static void writeCheckpoint(Path shape, Path folder, StorageType type) throws IOException {
    GemmaConfig config = GemmaConfig.read(shape);
    List<SafetensorsWriter.Tensor> tensors = GemmaTensors.of(config, type);
    Files.copy(shape.resolve("config.json"), folder.resolve("config.json"));
    long start = System.nanoTime();
    SafetensorsWriter.writeSharded(folder, tensors, SHARD_BYTES, new RandomWeights(SEED));
    System.err.printf(
        "wrote %,d parameters in %.1f s%n",
        tensors.stream().mapToLong(SafetensorsWriter.Tensor::elements).sum(),
        (System.nanoTime() - start) * 1e-9);
  }

  private static void measure(ModelBenchOptions options, String arguments, Path folder, String name)
      throws IOException {
    ModelReport.Checkpoint checkpoint = describe(folder, name, options.model() == null);
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
            checkpoint,
            runs);
    print(report);
    Path output = options.output();
    if (output != null) {
      report.write(output);
      System.out.println("\nwritten: " + output);
    }
  }

  private static ModelReport.Checkpoint describe(Path folder, String name, boolean random)
      throws IOException {
    long bytes;
    try (Stream<Path> files = Files.list(folder)) {
      bytes =
          files
              .filter(f -> f.toString().endsWith(".safetensors"))
              .mapToLong(f -> f.toFile().length())
              .sum();
    }
    try (Checkpoint c = Checkpoint.open(folder)) {
      return new ModelReport.Checkpoint(
          name, random, c.storageType().name(), c.parameters(), bytes);
    }
  }

  private static ModelReport.Run child(ModelBenchOptions options, Path folder, ComputeType compute)
      throws IOException {
    List<String> command =
        List.of(
            ProcessHandle.current().info().command().orElse("java"),
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx" + HEAP_MB + "m",
            "-Dai.djl.offline=true",
            "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
            "-cp",
            System.getProperty("java.class.path"),
            MeasureModel.class.getName(),
            folder.toString(),
            options.volume().toString(),
            Integer.toString(options.slices()),
            compute.name(),
            options.cuda() ? "cuda" : "cpu",
            Integer.toString(options.threads()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    Thread killer = new Thread(process::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(killer);
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String last = "";
      for (@Nullable String line = lines.readLine(); line != null; line = lines.readLine()) {
        last = line;
      }
      int status = process.waitFor();
      if (status == MeasureModel.BAD_INPUT) {
        System.exit(status);
      }
      if (status != 0) {
        throw new IOException("the measuring process ended with status " + status);
      }
      JsonNode json = ModelReport.json().readTree(last);
      return ModelReport.json().treeToValue(json, ModelReport.Run.class);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.destroyForcibly();
      Runtime.getRuntime().removeShutdownHook(killer);
    }
  }

  private static void print(ModelReport report) {
    ModelReport.Checkpoint c = report.checkpoint();
    System.out.printf(
        "%s%s: %,d parameters, %s, %.2f GB; %s, %d threads%n",
        c.name(),
        c.random() ? " (random weights)" : "",
        c.parameters(),
        c.storageType(),
        c.bytes() * 1e-9,
        report.machine().cpu(),
        report.machine().threads());
    System.out.printf(
        "%-9s %6s %8s %8s %8s %9s %16s %8s %8s %8s %8s%n",
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
        "mapped");
    for (ModelReport.Run r : report.runs()) {
      StringBuilder steps = new StringBuilder();
      r.seconds().decodeSteps().forEach(s -> steps.append(String.format(" %.2f", s)));
      System.out.printf(
          "%-9s %6s %6.2f s %6.1f s %6.1f s %9d %14s s %5.0f MB %5.1f GB %5.1f GB %5.1f GB%n",
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
          r.memory().peakFileBytes() * 1e-9);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      System.err.println("medpruner: bench model: " + folder + " was not deleted: " + e);
    }
  }
}
