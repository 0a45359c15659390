package org.medpruner.eval;

import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.eval.benchmark.SampleVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.VolumeException;

/**
 * Asks the samples of a benchmark under several settings and keeps every answer as soon as it is
 * there. A run that was ended at any moment goes on where it was when it is started again.
 *
 * <p>Volume by volume, and of each volume setting by setting, so that what a busy machine does to
 * the times it does to all settings. A volume is read once and encoded once per setting. A sample
 * that fails is kept with its error, and the run goes on.
 */
public final class Evaluation {
  private final EvaluationPlan plan;
  private final GenerationOptions reports;
  private final Listener listener;
  private final RunFolder folder;
  private final Map<String, String> volumeHashes = new HashMap<>();
  private boolean warm;
  private int done;
  private int total;

  /**
   * One process's part of a run.
   *
   * @param reports how to write reports
   */
  private Evaluation(
      EvaluationPlan plan, GenerationOptions reports, Listener listener, RunFolder folder) {
    this.plan = plan;
    this.reports = reports;
    this.listener = listener;
    this.folder = folder;
  }

  /** Told how far a run is; called on the working thread, must return quickly. */
  public interface Listener {
    /** Hears nothing. */
    Listener NONE = (result, done, total) -> {};

    /**
     * A result was kept, or the run begins.
     *
     * @param result null at the beginning
     * @param done results there, those of earlier processes included
     * @param total results of the whole run
     */
    void at(@Nullable SampleResult result, int done, int total);
  }

  /**
   * Runs, or goes on with, an evaluation.
   *
   * @return the run; incomplete only when the thread was interrupted
   * @throws InputException in one line: data, model or folder cannot be used, another process works
   *     on the folder, or it holds a run of something else
   */
  public static Run run(EvaluationPlan plan, Progress loading, Listener listener) {
    Benchmark.Loaded loaded = plan.benchmark().load(plan.data());
    List<Sample> samples = SampleChoice.choose(loaded.samples(), plan.limit(), plan.seed());
    try (RunFolder folder = RunFolder.lock(plan.out());
        VisionLanguageModel model = VisionLanguageModel.load(plan.model(), plan.load(), loading)) {
      RunHeader header = header(plan, loaded, samples, model);
      if (folder.begun()) {
        Resumption.check(plan.out(), folder.header(), header);
        folder.checkSamples(header);
      } else {
        folder.begin(header, samples);
      }
      folder.openResults();
      Run before = Run.read(plan.out());
      new Evaluation(plan, plan.reportGeneration(), listener, folder).run(before, model);
    }
    return Run.read(plan.out());
  }

  private static RunHeader header(
      EvaluationPlan plan,
      Benchmark.Loaded loaded,
      List<Sample> samples,
      VisionLanguageModel model) {
    Path data = plan.data().toAbsolutePath().normalize();
    List<Path> files =
        loaded.annotations().stream().map(f -> f.toAbsolutePath().normalize()).toList();
    return new RunHeader(
        RunHeader.FORMAT,
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        plan.version(),
        plan.benchmark().word(),
        new RunHeader.Data(
            data.toString(),
            files.stream().map(f -> data.relativize(f).toString()).toList(),
            FileHashes.ofListing(data, files),
            FileHashes.ofSizes(data, SampleChoice.byVolume(samples).keySet())),
        model.info(),
        FileHashes.checkpoint(plan.model()),
        plan.settings(),
        new RunHeader.Selection(
            loaded.samples().size(),
            plan.limit(),
            plan.seed(),
            samples.size(),
            FileHashes.of(RunFolder.samplesText(samples))),
        plan.maxImages(),
        plan.generation());
  }

  private void run(Run before, VisionLanguageModel model) {
    done = before.done();
    total = before.total();
    listener.at(null, done, total);
    for (Setting setting : before.settings()) {
      for (SampleResult r : before.results(setting)) {
        if (!r.volumeSha256().isEmpty()) {
          volumeHashes.put(before.sample(r.sample()).volume(), r.volumeSha256());
        }
      }
    }
    for (List<Sample> samples : SampleChoice.byVolume(before.samples()).values()) {
      Map<Setting, List<Sample>> open = new LinkedHashMap<>();
      for (Setting setting : before.settings()) {
        List<Sample> of =
            samples.stream().filter(s -> before.result(setting, s.id()) == null).toList();
        if (!of.isEmpty()) {
          open.put(setting, of);
        }
      }
      if (open.isEmpty()) {
        checkAnswered(samples.getFirst(), Instant.parse(before.header().created()));
        continue;
      }
      Sample asked = firstToAsk(open.values());
      VolumeQuestions questions = new VolumeQuestions(plan, reports, model, asked);
      checkHash(samples.getFirst().volume(), questions.volume());
      SampleVolume volume = questions.volume();
      if (!warm && volume != null && asked != null) {
        warm = true;
        warmUp(plan, model, volume.images(), asked);
      }
      for (Map.Entry<Setting, List<Sample>> e : open.entrySet()) {
        questions.ask(e.getKey(), e.getValue(), this::keep);
        if (Thread.currentThread().isInterrupted()) {
          return;
        }
      }
    }
  }

  /** Null when every one of them has a defect. */
  private static @Nullable Sample firstToAsk(Collection<List<Sample>> open) {
    return open.stream()
        .flatMap(List::stream)
        .filter(s -> s.defect().isEmpty())
        .findFirst()
        .orElse(null);
  }

  private void keep(SampleResult result) {
    if (result.failed() && Thread.currentThread().isInterrupted()) {
      // Broken off, not failed: it is asked again when the run goes on.
      return;
    }
    folder.append(result);
    listener.at(result, ++done, total);
  }

  /**
   * A volume of which nothing is left to ask is read only if a file of it was written since the run
   * began. Names and sizes are compared for all of them, before.
   */
  private void checkAnswered(Sample sample, Instant begun) {
    if (!volumeHashes.containsKey(sample.volume()) || Thread.currentThread().isInterrupted()) {
      return;
    }
    Instant last = FileHashes.lastModified(plan.data().resolve(sample.volume()));
    if (last == null || last.isBefore(begun)) {
      return;
    }
    SampleVolume volume;
    try {
      volume = SampleVolume.read(plan.data(), sample, plan.maxImages());
    } catch (VolumeException e) {
      if (Thread.currentThread().isInterrupted()) {
        return;
      }
      throw changed(sample.volume(), "it cannot be read: " + e.getMessage(), e);
    }
    checkHash(sample.volume(), volume);
  }

  /** A volume's bytes must be those that its other results are of. */
  private void checkHash(String name, @Nullable SampleVolume volume) {
    String before = volumeHashes.get(name);
    if (volume != null && before != null && !before.equals(volume.sha256())) {
      throw changed(name, "SHA-256 " + before + " then, " + volume.sha256() + " now", null);
    }
  }

  private InputException changed(String volume, String how, @Nullable Throwable cause) {
    return new InputException(
        plan.data().resolve(volume)
            + ": has changed since the run began ("
            + how
            + "); restore it or name another --out",
        cause);
  }

  /** Charges what is slow only once to no sample. */
  static void warmUp(
      EvaluationPlan plan, VisionLanguageModel model, SliceImages images, Sample sample) {
    PruningPolicy policy = plan.settings().getLast().policy();
    try {
      WarmUp.run(model, images, policy, sample.prompt(), plan.generation().layout());
    } catch (RuntimeException | OutOfMemoryError e) {
      // The samples themselves will say what is wrong.
    }
  }
}
