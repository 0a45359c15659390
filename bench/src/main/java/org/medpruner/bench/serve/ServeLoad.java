package org.medpruner.bench.serve;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.medpruner.serve.MedPrunerServer;
import org.medpruner.serve.ServerOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;

/**
 * Serves the demo model to clients in the same process that upload, ask, follow up, stream, hang up
 * and send nonsense, for some minutes; prints what came of it and the resident memory. Exit status
 * 1 if there was an error that is not the client's own: anything but the expected status and 429.
 */
public final class ServeLoad {
  private static final Duration INTERVAL = Duration.ofSeconds(10);

  private final PrintStream out = System.out;
  private final Counts counts = new Counts();
  private final Path demo;
  private final int clients;
  private final Duration time;

  private ServeLoad(Path demo, int clients, Duration time) {
    this.demo = demo;
    this.clients = clients;
    this.time = time;
  }

  /** Arguments: {@code --clients N} (8), {@code --minutes M} (5). */
  public static void main(String[] args) throws Exception {
    Map<String, Double> numbers =
        new java.util.HashMap<>(Map.of("--clients", 8.0, "--minutes", 5.0));
    for (int i = 0; i < args.length; i += 2) {
      if (!numbers.containsKey(args[i]) || i + 1 == args.length) {
        fail(args[i] + " is unknown or has no value; expected --clients N or --minutes M");
      }
      try {
        numbers.put(args[i], Double.valueOf(args[i + 1]));
      } catch (NumberFormatException e) {
        fail(args[i] + " = " + args[i + 1] + ", but it must be a number");
      }
    }
    double clients = numbers.getOrDefault("--clients", 8.0);
    double minutes = numbers.getOrDefault("--minutes", 5.0);
    if (!(clients >= 1 && clients <= 1000 && minutes > 0 && minutes <= 10_000)) {
      fail("--clients must be in 1..1000, --minutes > 0 and at most 10000");
    }
    Path demo = Path.of(System.getProperty("medpruner.root", "")).resolve("models/demo");
    Duration time = Duration.ofMillis((long) (minutes * 60_000));
    // The exit handlers of the C library may wait for LibTorch's threads.
    Runtime.getRuntime().halt(new ServeLoad(demo, (int) clients, time).run() ? 0 : 1);
  }

  private static void fail(String message) {
    System.err.println("medpruner: bench serve: " + message);
    Runtime.getRuntime().halt(2);
  }

  private boolean run() throws IOException, InterruptedException {
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
      long end = System.nanoTime() + time.toNanos();
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < clients; i++) {
        LoadClient client = new LoadClient(URI.create(server.uri() + ""), i, volumes, counts);
        threads.add(Thread.startVirtualThread(() -> client.run(end)));
      }
      out.printf("%d clients, %d s%n", clients, time.toSeconds());
      long start = System.nanoTime();
      while (System.nanoTime() < end) {
        Thread.sleep(
            Math.max(1, Math.min(INTERVAL.toMillis(), (end - System.nanoTime()) / 1_000_000)));
        out.printf(
            Locale.ROOT,
            "%4d s  resident %d MiB  heap %d MiB  %s%n",
            (System.nanoTime() - start) / 1_000_000_000,
            resident() >> 10,
            (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 20,
            counts);
      }
      for (Thread t : threads) {
        t.join();
      }
    }
    out.println("end     " + counts);
    counts.unexpected().forEach(line -> out.println("error   " + line));
    return counts.unexpected().isEmpty();
  }

  private static long resident() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException("/proc/self/status has no VmRSS");
  }
}
