package org.medpruner.bench.model;

import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.MedPruner;
import org.medpruner.MedPrunerException;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.bench.ResultsFile;
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
 * Loads a checkpoint, encodes and prunes slices, prefills once and takes decode steps, all watched.
 * {@link ModelBench} runs it as a process of its own, because a peak of memory is a process's;
 * prints a {@link ModelReport.Run} as the last line.
 */
public final class MeasureModel {
  /** Tokens generated: the first comes out of the prefill, each further one of a decode step. */
  static final int DECODE_STEPS = 3;

  /** Exit status after one line about an argument or a file. */
  static final int BAD_INPUT = 2;

  private MeasureModel() {}

  /** Arguments: folder, volume, slices, {@link ComputeType}, {@code cpu|cuda}, threads. */
  public static void main(String[] arguments) throws IOException {
    Locale.setDefault(Locale.ROOT);
    try {
      measure(arguments);
    } catch (MedPrunerException | VolumeException | IllegalArgumentException e) {
      System.err.println("medpruner: bench model: " + e.getMessage());
      System.exit(BAD_INPUT);
    }
  }

  private static void measure(String... arguments) throws IOException {
    int threads = Integer.parseInt(arguments[5]);
    TorchRuntime.require();
    torch.set_num_threads(threads);
    MedPruner.setCpuThreads(threads);
    ModelReport.Run run =
        run(
            Path.of(arguments[0]),
            Path.of(arguments[1]),
            Integer.parseInt(arguments[2]),
            ComputeType.valueOf(arguments[3]),
            arguments[4].equals("cuda"));
    System.out.println(
        ResultsFile.json()
            .writer()
            .without(SerializationFeature.INDENT_OUTPUT)
            .writeValueAsString(run));
  }

  static ModelReport.Run run(
      Path folder, Path volumeFile, int slices, ComputeType compute, boolean cuda) {
    GemmaConfig config = GemmaConfig.read(folder);
    Prompt prompt = PhantomInput.prompt(config, slices);
    DecodeClock clock = new DecodeClock();
    LoadOptions options = new LoadOptions(cuda, LoadOptions.DEFAULT.maxEncoderBytes(), compute);
    try (ProcessMemory memory = new ProcessMemory();
        Arena arena = Arena.ofConfined()) {
      int side = config.vision().imageSize();
      MemorySegment pixels = PhantomInput.pixels(volumeFile, slices, side, arena);
      long start = System.nanoTime();
      try (TokenModel model = TokenModel.load(folder, options, Progress.NONE)) {
        double load = (System.nanoTime() - start) * 1e-9;
        note("loaded in %.2f s", load);
        try (EncodedVolume volume =
            model.encode(pixels, slices, side, side, Double.NaN, PruningPolicy.PAPER, clock)) {
          TokenModel.Generation answer =
              model.generate(volume, prompt, 1 + DECODE_STEPS, false, clock);
          Map<String, Double> t = answer.report().timings();
          ProcessMemory.Peaks peaks = memory.peaks();
          List<SliceReport> seen = answer.report().slices();
          return new ModelReport.Run(
              model.info().computeType(),
              model.info().device(),
              slices,
              (int) seen.stream().filter(SliceReport::kept).count(),
              seen.stream().mapToInt(SliceReport::tokens).sum(),
              answer.promptTokens(),
              prompt.length(),
              new ModelReport.Seconds(
                  load,
                  time(t, Progress.ANCHOR),
                  time(t, Progress.ENCODE),
                  time(t, Progress.PRUNE),
                  time(t, Progress.PREFILL),
                  clock.steps()),
              new ModelReport.Memory(
                  peaks.residentBytes(),
                  peaks.anonymousBytes(),
                  peaks.fileBytes(),
                  answer.kvBytes(),
                  // Of the whole process, which measures nothing else.
                  new CudaMemory(cuda).peaks()));
        }
      }
    }
  }

  private static double time(Map<String, Double> timings, String stage) {
    Double seconds = timings.get(stage);
    if (seconds == null) {
      throw new IllegalStateException("the report has no time of " + stage);
    }
    return seconds;
  }

  private static void note(String format, Object... arguments) {
    System.err.printf("  " + format + "%n", arguments);
  }

  /** Notes the stages, and how long each token after the first took. */
  private static final class DecodeClock implements Progress {
    private final List<Double> steps = new ArrayList<>();
    private long last = System.nanoTime();

    @Override
    public void update(String stage, long done, long total) {
      long now = System.nanoTime();
      if (done > 0) {
        note("%s %d of %d: %.2f s", stage, done, total, (now - last) * 1e-9);
      }
      if (stage.equals(Progress.DECODE) && done > 1) {
        steps.add((now - last) * 1e-9);
      }
      last = now;
    }

    List<Double> steps() {
      return List.copyOf(steps);
    }
  }
}
