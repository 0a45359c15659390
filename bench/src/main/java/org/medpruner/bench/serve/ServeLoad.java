package org.medpruner.bench.serve;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.MedPruner;
import org.medpruner.bench.Host;
import org.medpruner.bench.ResultsFile;
import org.medpruner.serve.MedPrunerServer;
import org.medpruner.serve.ServerOptions;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;

/**
 * Serves the demo model to clients in the same process that upload, ask, follow up, stream, hang up
 * and send nonsense, for some minutes, and writes what came of it and the memory over time. Exit
 * status 1 if there was an error that is not the client's own: anything but the expected status and
 * 429.
 */
public final class ServeLoad {
  private static final Duration INTERVAL = Duration.ofSeconds(10);

  private final PrintStream out;
  private final Counts counts = new Counts();
  private final List<ServeReport.Sample> samples = new ArrayList<>();
  private final Path demo;
  private final int clients;
  private final Duration time;

  private ServeLoad(ServeLoadOptions options, PrintStream out) {
    this.out = out;
    this.demo = options.root().resolve("models/demo");
    this.clients = options.clients();
    this.time = Duration.ofMillis((long) (options.minutes() * 60_000));
  }

  /** Arguments: {@code --clients N} (8), {@code --minutes M} (5), {@code --output FILE}. */
  public static void main(String[] arguments) throws Exception {
    Locale.setDefault(Locale.ROOT);
    Path root = Path.of(System.getProperty("medpruner.root", "."));
    int threads = Integer.getInteger("medpruner.bench.threads", 2);
    int status = 2;
    try {
      ServeLoadOptions options = ServeLoadOptions.parse(root, arguments);
      TorchRuntime.require();
      torch.set_num_threads(threads);
      MedPruner.setCpuThreads(threads);
      ServeReport report = measure(options, threads, String.join(" ", arguments), System.out);
      ResultsFile.write(report, options.output());
      report.firstErrors().forEach(line -> System.out.println("error   " + line));
      System.out.println("\n" + report.summary() + "\n\nwritten: " + options.output());
      status = report.errors() == 0 ? 0 : 1;
    } catch (IllegalArgumentException e) {
      System.err.println("medpruner: bench serve: " + e.getMessage());
    }
    System.out.flush();
    // The exit handlers of the C library may wait for LibTorch's threads.
    Runtime.getRuntime().halt(status);
  }

  /**
   * Serves and asks as long as the options say.
   *
   * @param threads of the library and of LibTorch, as they are set
   * @param arguments for the report's command
   * @param out gets a line for each sample
   */
  static ServeReport measure(
      ServeLoadOptions options, int threads, String arguments, PrintStream out)
      throws IOException, InterruptedException {
    ServeLoad load = new ServeLoad(options, out);
    load.run();
    return new ServeReport(
        ServeReport.FORMAT,
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        ("./medpruner bench serve " + arguments).strip(),
        Host.commit(options.root()),
        Host.machine(threads),
        options.clients(),
        options.minutes(),
        Runtime.getRuntime().maxMemory(),
        load.counts.outcomes(),
        load.counts.statuses(),
        load.counts.errors(),
        load.counts.firstErrors(),
        List.copyOf(load.samples));
  }

  private void run() throws IOException, InterruptedException {
    List<Path> volumes;
    try (Stream<Path> all = Files.list(demo.resolve("phantoms"))) {
      volumes = all.filter(p -> p.toString().endsWith(".nii.gz")).sorted().toList();
    }
    try (VisionLanguageModel model =
            VisionLanguageModel.load(demo, LoadOptions.DEFAULT, Progress.NONE);
        // Half of the clients find no place, so that 429 is part of it.
        MedPrunerServer server =
            MedPrunerServer.start(
                model,
                ServerOptions.DEFAULT.withPort(0).withQueue(clients / 2),
                line -> counts.log(line))) {
      long start = System.nanoTime();
      long end = start + time.toNanos();
      sample(start);
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < clients; i++) {
        LoadClient client = new LoadClient(URI.create(server.uri() + ""), i, volumes, counts);
        threads.add(Thread.startVirtualThread(() -> client.run(end)));
      }
      while (System.nanoTime() < end) {
        Thread.sleep(
            Math.max(1, Math.min(INTERVAL.toMillis(), (end - System.nanoTime()) / 1_000_000)));
        sample(start);
      }
      for (Thread t : threads) {
        t.join();
      }
      sample(start);
    }
  }

  /** A leak shows in what a collection leaves, whatever room the heap has. */
  private void sample(long start) throws IOException {
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    memory.gc();
    ServeReport.Sample sample =
        new ServeReport.Sample(
            Duration.ofNanos(System.nanoTime() - start).toMillis() * 1e-3,
            resident(),
            memory.getHeapMemoryUsage().getUsed());
    samples.add(sample);
    out.printf(
        Locale.ROOT,
        "%5.0f s  resident %d MiB  heap %d MiB  %s%n",
        sample.seconds(),
        sample.residentBytes() >> 20,
        sample.heapBytes() >> 20,
        counts);
  }

  private static long resident() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
      }
    }
    throw new IOException("/proc/self/status has no VmRSS");
  }
}
