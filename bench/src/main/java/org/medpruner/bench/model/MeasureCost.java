package org.medpruner.bench.model;

import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.MedPruner;
import org.medpruner.MedPrunerException;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.SliceReport;
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
  private final LoadOptions options;
  private final int slices;
  private final int side;
  private final Prompt prompt;
  private final MemorySegment pixels;

  private MeasureCost(
      Path folder, Path volume, int slices, ComputeType compute, boolean cuda, Arena arena) {
    this.folder = folder;
    this.options = new LoadOptions(cuda, LoadOptions.DEFAULT.maxEncoderBytes(), compute);
    this.slices = slices;
    GemmaConfig config = GemmaConfig.read(folder);
    this.side = config.vision().imageSize();
    this.prompt = PhantomInput.prompt(config, slices);
    this.pixels = PhantomInput.resampled(volume, slices, side, arena);
  }

  /**
   * Arguments: folder, volume, slices, {@link ComputeType}, {@code cpu|cuda}, threads, then {@code
   * stages} and turns, or {@code load}, instances, clients and requests.
   */
  public static void main(String[] arguments) throws Exception {
    Locale.setDefault(Locale.ROOT);
    try {
      int threads = Integer.parseInt(arguments[5]);
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
    try (Arena arena = Arena.ofShared()) {
      MeasureCost cost =
          new MeasureCost(
              Path.of(a[0]),
              Path.of(a[1]),
              Integer.parseInt(a[2]),
              ComputeType.valueOf(a[3]),
              a[4].equals("cuda"),
              arena);
      return a[6].equals("stages")
          ? cost.stages(Integer.parseInt(a[7]))
          : cost.load(
              Integer.parseInt(a[7]),
              Integer.parseInt(a[8]),
              Integer.parseInt(a[9]),
              Integer.parseInt(a[5]));
    }
  }

  private static void print(List<?> rows) throws IOException {
    System.out.println(
        ModelReport.json()
            .writer()
            .without(SerializationFeature.INDENT_OUTPUT)
            .writeValueAsString(rows));
  }

  private TokenModel loadModel() {
    return TokenModel.load(folder, options, Progress.NONE);
  }

  private TokenModel.Generation request(TokenModel model, PruningPolicy policy) {
    try (EncodedVolume volume =
        model.encode(pixels, slices, side, side, Double.NaN, policy, Progress.NONE)) {
      return model.generate(volume, prompt, 1 + DECODE_STEPS, false, Progress.NONE);
    }
  }

  /**
   * Requests one after the other, the settings in turns.
   *
   * @param turns timed; with more than one an untimed turn goes first
   */
  List<CostReport.Stages> stages(int turns) {
    List<Watch> watches = SETTINGS.stream().map(Watch::new).toList();
    try (ProcessMemory memory = new ProcessMemory();
        TokenModel model = loadModel()) {
      for (int turn = turns > 1 ? -1 : 0; turn < turns; turn++) {
        for (Watch w : watches) {
          w.add(request(model, w.policy), turn >= 0, memory);
          System.err.printf("  %d slices, %s, turn %d%n", slices, w.policy.name(), turn + 1);
        }
      }
      return watches.stream().map(w -> w.row(model)).toList();
    }
  }

  /** What the requests of one setting took. */
  private final class Watch {
    final PruningPolicy policy;
    private final List<TokenModel.Generation> timed = new ArrayList<>();
    private ProcessMemory.Peaks peaks = new ProcessMemory.Peaks(0, 0, 0);

    Watch(PruningPolicy policy) {
      this.policy = policy;
    }

    void add(TokenModel.Generation g, boolean isTimed, ProcessMemory memory) {
      if (peaks.residentBytes() == 0) {
        peaks = memory.peaks();
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

    CostReport.Stages row(TokenModel model) {
      TokenModel.Generation any = timed.getFirst();
      List<SliceReport> seen = any.report().slices();
      Timing decode = timing("decode");
      return new CostReport.Stages(
          model.info().computeType(),
          model.info().device(),
          slices,
          policy.name(),
          (int) seen.stream().filter(SliceReport::kept).count(),
          seen.stream().mapToInt(SliceReport::tokens).sum(),
          any.promptTokens(),
          new CostReport.Seconds(
              timing("anchor"),
              timing("encode"),
              timing("prune"),
              timing("prefill"),
              new Timing(
                  decode.median() / DECODE_STEPS,
                  decode.min() / DECODE_STEPS,
                  decode.max() / DECODE_STEPS,
                  decode.runs()),
              timing("anchor", "encode", "prune", "prefill", "decode")),
          new CostReport.Memory(peaks.residentBytes(), peaks.anonymousBytes(), any.kvBytes()));
    }
  }

  /**
   * Requests of several clients at once, each of which sends the next when its last is answered.
   *
   * @param instances models loaded; fewer than clients make them queue
   */
  List<CostReport.Load> load(int instances, int clients, int requests, int threads)
      throws InterruptedException, ExecutionException {
    BlockingQueue<TokenModel> free = new ArrayBlockingQueue<>(instances, true);
    List<TokenModel> all = new ArrayList<>();
    List<CostReport.Load> rows = new ArrayList<>();
    try (ProcessMemory memory = new ProcessMemory();
        ExecutorService pool = Executors.newFixedThreadPool(clients)) {
      for (int i = 0; i < instances; i++) {
        all.add(loadModel());
        free.add(all.getLast());
      }
      for (PruningPolicy policy : SETTINGS) {
        for (TokenModel model : all) {
          request(model, policy);
        }
        List<Double> latencies = Collections.synchronizedList(new ArrayList<>());
        AtomicInteger sent = new AtomicInteger();
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
                        request(model, policy);
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
        double seconds = (System.nanoTime() - start) * 1e-9;
        System.err.printf(
            "  %d at once, %d instances, %s: %.2f requests/s%n",
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
                memory.peaks().residentBytes()));
      }
    } finally {
      all.forEach(TokenModel::close);
    }
    return rows;
  }
}
