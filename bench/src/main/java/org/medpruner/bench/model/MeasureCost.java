package org.medpruner.bench.model;

import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.medpruner.MedPruner;
import org.medpruner.MedPrunerException;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.bench.ResultsFile;
import org.medpruner.bench.Timing;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.vlm.ComputeType;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.gemma.GemmaConfig;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.VolumeException;

/**
 * Measures requests, alone or at once: a volume is encoded and pruned, a prompt prefilled, and four
 * tokens generated. {@link CostBench} runs it as a process of its own; prints its rows as the last
 * line.
 */
public final class MeasureCost {
  /** Tokens generated: the first comes out of the prefill, each further one of a decode step. */
  private static final int DECODE_STEPS = 3;

  /** The pruned one first, so that the peak of memory so far is its own. */
  private static final List<PruningPolicy> SETTINGS =
      List.of(PruningPolicy.PAPER, PruningPolicy.OFF);

  private final Path folder;
  private final Path volume;
  private final LoadOptions options;
  private final GemmaConfig config;
  private final CudaMemory device;

  private MeasureCost(Path folder, Path volume, ComputeType compute, boolean cuda) {
    this.folder = folder;
    this.volume = volume;
    this.options = new LoadOptions(cuda, LoadOptions.DEFAULT.maxEncoderBytes(), compute);
    this.config = GemmaConfig.read(folder);
    this.device = new CudaMemory(cuda);
  }

  /**
   * Arguments: folder, volume, {@link ComputeType}, {@code cpu|cuda}, threads, then {@code stages},
   * counts of slices and turns, or {@code load}, slices, instances, counts of clients and requests.
   * Counts are separated by commas.
   */
  public static void main(String[] arguments) throws Exception {
    Locale.setDefault(Locale.ROOT);
    try {
      int threads = Integer.parseInt(arguments[4]);
      TorchRuntime.require();
      torch.set_num_threads(threads);
      MedPruner.setCpuThreads(threads);
      print(measure(arguments));
    } catch (MedPrunerException | VolumeException | IllegalArgumentException e) {
      System.err.println("medpruner: bench cost: " + e.getMessage());
      System.exit(MeasureModel.BAD_INPUT);
    }
  }

  private static List<?> measure(String... a) throws InterruptedException, ExecutionException {
    MeasureCost cost =
        new MeasureCost(
            Path.of(a[0]), Path.of(a[1]), ComputeType.valueOf(a[2]), a[3].equals("cuda"));
    return a[5].equals("stages")
        ? cost.stages(counts(a[6]), Integer.parseInt(a[7]))
        : cost.load(
            Integer.parseInt(a[6]),
            Integer.parseInt(a[7]),
            counts(a[8]),
            Integer.parseInt(a[9]),
            Integer.parseInt(a[4]));
  }

  private static List<Integer> counts(String text) {
    return Arrays.stream(text.split(",", -1)).map(Integer::valueOf).toList();
  }

  private static void print(List<?> rows) throws IOException {
    System.out.println(
        ResultsFile.json()
            .writer()
            .without(SerializationFeature.INDENT_OUTPUT)
            .writeValueAsString(rows));
  }

  private TokenModel loadModel() {
    return TokenModel.load(folder, options, Progress.NONE);
  }

  /** A volume in so many slices, and a prompt about them. */
  private final class Request {
    final int slices;
    private final int side = config.vision().imageSize();
    private final Prompt prompt;
    private final MemorySegment pixels;

    Request(int slices, Arena arena) {
      this.slices = slices;
      this.prompt = PhantomInput.prompt(config, slices);
      this.pixels = PhantomInput.resampled(volume, slices, side, arena);
    }

    TokenModel.Generation send(TokenModel model, PruningPolicy policy) {
      try (EncodedVolume encoded =
          model.encode(pixels, slices, side, side, Double.NaN, policy, Progress.NONE)) {
        return model.generate(encoded, prompt, 1 + DECODE_STEPS, false, Progress.NONE);
      }
    }
  }

  /**
   * Requests one after the other, the settings in turns.
   *
   * @param turns timed; with more than one an untimed turn goes first
   */
  List<CostReport.Stages> stages(List<Integer> counts, int turns) {
    List<CostReport.Stages> rows = new ArrayList<>();
    try (ProcessMemory memory = new ProcessMemory();
        TokenModel model = loadModel()) {
      for (int slices : counts) {
        try (Arena arena = Arena.ofConfined()) {
          Request request = new Request(slices, arena);
          List<Watch> watches = SETTINGS.stream().map(Watch::new).toList();
          for (int turn = turns > 1 ? -1 : 0; turn < turns; turn++) {
            for (Watch w : watches) {
              w.turn(model, request, turn >= 0, memory);
              System.err.printf("  %d slices, %s, turn %d%n", slices, w.policy.name(), turn + 1);
            }
          }
          watches.forEach(w -> rows.add(w.row(model, slices)));
        }
      }
    }
    return rows;
  }

  /** What the requests of one setting took. */
  private final class Watch {
    final PruningPolicy policy;
    private final List<TokenModel.Generation> timed = new ArrayList<>();
    private ProcessMemory.@Nullable Peaks host;
    private CostReport.@Nullable DeviceMemory onDevice;

    Watch(PruningPolicy policy) {
      this.policy = policy;
    }

    void turn(TokenModel model, Request request, boolean isTimed, ProcessMemory memory) {
      boolean first = host == null;
      if (first) {
        device.restart();
      }
      TokenModel.Generation g = request.send(model, policy);
      if (first) {
        host = memory.peaks();
        onDevice = device.peaks();
      }
      if (isTimed) {
        timed.add(g);
      }
    }

    private Timing timing(String... stages) {
      return Timing.of(
          timed.stream()
              .mapToDouble(
                  g -> {
                    double sum = 0;
                    for (String stage : stages) {
                      sum += g.report().timings().getOrDefault(stage, 0.0);
                    }
                    return sum;
                  })
              .toArray());
    }

    CostReport.Stages row(TokenModel model, int slices) {
      ProcessMemory.Peaks peaks = Objects.requireNonNull(host);
      TokenModel.Generation any = timed.getFirst();
      List<SliceReport> seen = any.report().slices();
      Timing decode = timing(Progress.DECODE);
      return new CostReport.Stages(
          model.info().computeType(),
          model.info().device(),
          slices,
          policy.name(),
          (int) seen.stream().filter(SliceReport::kept).count(),
          seen.stream().mapToInt(SliceReport::tokens).sum(),
          any.promptTokens(),
          new CostReport.Seconds(
              timing(Progress.ANCHOR),
              timing(Progress.ENCODE),
              timing(Progress.PRUNE),
              timing(Progress.PREFILL),
              new Timing(
                  decode.median() / DECODE_STEPS,
                  decode.min() / DECODE_STEPS,
                  decode.max() / DECODE_STEPS,
                  decode.runs()),
              timing(
                  Progress.ANCHOR,
                  Progress.ENCODE,
                  Progress.PRUNE,
                  Progress.PREFILL,
                  Progress.DECODE)),
          new CostReport.Memory(
              peaks.residentBytes(), peaks.anonymousBytes(), any.kvBytes(), onDevice));
    }
  }

  /**
   * Requests of several clients at once, each of which sends the next when its last is answered.
   *
   * @param instances models loaded; fewer than clients make them queue
   * @param counts of clients, one after the other
   */
  List<CostReport.Load> load(
      int slices, int instances, List<Integer> counts, int requests, int threads)
      throws InterruptedException, ExecutionException {
    List<TokenModel> models = new ArrayList<>();
    List<CostReport.Load> rows = new ArrayList<>();
    try (ProcessMemory memory = new ProcessMemory();
        Arena arena = Arena.ofShared()) {
      Request request = new Request(slices, arena);
      for (int i = 0; i < instances; i++) {
        models.add(loadModel());
      }
      for (int clients : counts) {
        for (PruningPolicy policy : SETTINGS) {
          device.restart();
          for (TokenModel model : models) {
            request.send(model, policy);
          }
          List<Double> latencies = Collections.synchronizedList(new ArrayList<>());
          double seconds =
              serve(models, clients, requests, m -> request.send(m, policy), latencies);
          System.err.printf(
              "  %d at once, %d instances, %s: %.3g requests/s%n",
              clients, instances, policy.name(), requests / seconds);
          rows.add(
              new CostReport.Load(
                  slices,
                  policy.name(),
                  clients,
                  instances,
                  threads,
                  requests,
                  seconds,
                  requests / seconds,
                  Timing.of(latencies.stream().mapToDouble(Double::doubleValue).toArray()),
                  memory.peaks().residentBytes(),
                  device.peaks()));
        }
      }
    } finally {
      models.forEach(TokenModel::close);
    }
    return rows;
  }

  /** Seconds from the first request sent to the last answered. */
  private static double serve(
      List<TokenModel> models,
      int clients,
      int requests,
      Consumer<TokenModel> request,
      List<Double> latencies)
      throws InterruptedException, ExecutionException {
    BlockingQueue<TokenModel> free = new ArrayBlockingQueue<>(models.size(), true, models);
    AtomicInteger sent = new AtomicInteger();
    try (ExecutorService pool = Executors.newFixedThreadPool(clients)) {
      long start = System.nanoTime();
      List<Future<?>> running = new ArrayList<>();
      for (int c = 0; c < clients; c++) {
        running.add(
            pool.submit(
                () -> {
                  while (sent.getAndIncrement() < requests) {
                    long asked = System.nanoTime();
                    TokenModel model = free.take();
                    try {
                      request.accept(model);
                    } finally {
                      free.put(model);
                    }
                    latencies.add((System.nanoTime() - asked) * 1e-9);
                  }
                  return null;
                }));
      }
      for (Future<?> f : running) {
        f.get();
      }
      return (System.nanoTime() - start) * 1e-9;
    }
  }
}
