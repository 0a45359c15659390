package org.medpruner.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.medpruner.MedPrunerCudaException;
import org.medpruner.MedPrunerException;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.benchmark.SampleVolume;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.Words;
import org.medpruner.volume.VolumeException;

/** Asks samples of one volume, and turns what fails into results with an error. */
final class VolumeQuestions {
  private static final int MAX_ERROR = 500;

  private final EvaluationPlan plan;
  private final GenerationOptions reports;
  private final VisionLanguageModel model;
  private final @Nullable SampleVolume volume;

  /** Why the volume cannot be read; "" when it could, or nothing is asked about it. */
  private final String unreadable;

  /**
   * Reads the volume.
   *
   * @param reports how to write reports; what else is asked is answered as the plan says
   * @param asked a sample that can be asked about it; null when none can: then it is not read
   */
  VolumeQuestions(
      EvaluationPlan plan,
      GenerationOptions reports,
      VisionLanguageModel model,
      @Nullable Sample asked) {
    this.plan = plan;
    this.reports = reports;
    this.model = model;
    SampleVolume read = null;
    String problem = "";
    try {
      read = asked == null ? null : SampleVolume.read(plan.data(), asked, plan.maxImages());
    } catch (RuntimeException | OutOfMemoryError e) {
      problem = message(e);
    }
    volume = read;
    unreadable = problem;
  }

  /** The volume, or null when it cannot be read or nothing is asked about it. */
  @Nullable SampleVolume volume() {
    return volume;
  }

  /**
   * Encodes the volume under a setting and asks. A sample without a question or an answer fails
   * alone: published files have thousands of rows, and an empty cell is no reason to ask none.
   *
   * @param done is given each result as soon as it is there; fewer than samples only when the
   *     thread is interrupted
   */
  void ask(Setting setting, List<Sample> samples, Consumer<SampleResult> done) {
    List<Sample> whole = new ArrayList<>();
    for (Sample s : samples) {
      if (s.defect().isEmpty()) {
        whole.add(s);
      } else {
        done.accept(failed(s, setting, s.defect()));
      }
    }
    if (!whole.isEmpty()) {
      askWhole(setting, whole, done);
    }
  }

  private void askWhole(Setting setting, List<Sample> samples, Consumer<SampleResult> done) {
    SampleVolume v = volume;
    if (v == null) {
      samples.forEach(s -> done.accept(failed(s, setting, unreadable)));
      return;
    }
    boolean restarted = PeakMemory.restart();
    EncodedVolume encoded;
    try {
      encoded = model.encode(v.images(), setting.policy(), Progress.NONE);
    } catch (RuntimeException | OutOfMemoryError e) {
      String problem = message(e);
      samples.forEach(s -> done.accept(failed(s, setting, problem)));
      return;
    }
    long peak = restarted ? PeakMemory.bytes() : -1;
    try (encoded) {
      for (Sample s : samples) {
        SampleResult r = answer(setting, s, v, encoded, samples.size(), peak);
        if (r == null) {
          return;
        }
        done.accept(r);
      }
    }
  }

  /** Null when the thread was interrupted. */
  private @Nullable SampleResult answer(
      Setting setting,
      Sample sample,
      SampleVolume of,
      EncodedVolume encoded,
      int sharedBy,
      long encodePeak) {
    try {
      boolean restarted = PeakMemory.restart();
      GenerationOptions options = sample.kind() == Sample.Kind.REPORT ? reports : plan.generation();
      Answer a = model.ask(encoded, sample.prompt(), options, Progress.NONE);
      if (a.ending() == Ending.CANCELLED) {
        return null;
      }
      long peak = restarted && encodePeak >= 0 ? Math.max(encodePeak, PeakMemory.bytes()) : -1;
      return result(setting, sample, of, a, sharedBy, peak);
    } catch (RuntimeException | OutOfMemoryError e) {
      return failed(sample, setting, message(e));
    }
  }

  private static SampleResult result(
      Setting setting, Sample sample, SampleVolume of, Answer a, int sharedBy, long peakBytes) {
    PruningReport report = a.report();
    List<SliceReport> slices = report.slices();
    Map<String, Double> t = report.timings();
    return new SampleResult(
        sample.id(),
        setting.name(),
        a.text(),
        null,
        Words.of(a.ending()),
        of.sha256(),
        of.images().recipe(),
        of.warnings().stream().limit(SampleResult.MOST_WARNINGS).toList(),
        slices.size(),
        slices.stream().filter(SliceReport::kept).map(SliceReport::index).toList(),
        (long) slices.size() * report.tokensPerSlice(),
        slices.stream().mapToLong(SliceReport::tokens).sum(),
        report.rates(),
        new SampleResult.Seconds(
            t.getOrDefault(Progress.ANCHOR, 0.0),
            t.getOrDefault(Progress.ENCODE, 0.0),
            t.getOrDefault(Progress.PRUNE, 0.0),
            t.getOrDefault(Progress.PREFILL, 0.0),
            t.getOrDefault(Progress.DECODE, 0.0)),
        sharedBy,
        peakBytes,
        a.kvBytes(),
        a.promptTokens(),
        a.unprunedPromptTokens(),
        a.tokenIds().size());
  }

  private SampleResult failed(Sample sample, Setting setting, String problem) {
    return SampleResult.failed(sample.id(), setting.name(), problem, sha256());
  }

  private String sha256() {
    return volume == null ? "" : volume.sha256();
  }

  /**
   * One line for the result; what would fail every further sample ends the run instead.
   *
   * @throws MedPrunerCudaException as given: after it the device answers nothing any more
   */
  private static String message(Throwable e) {
    if (e instanceof MedPrunerCudaException lasting) {
      throw lasting;
    }
    String text = String.valueOf(e.getMessage());
    if (e instanceof RuntimeException lasting && text.contains("CUDA error")) {
      // LibTorch's own; its memory errors read "CUDA out of memory" and pass.
      throw lasting;
    }
    boolean users =
        e instanceof VolumeException
            || e instanceof MedPrunerException
            || e instanceof IllegalArgumentException;
    String line =
        users
            ? text
            : e instanceof OutOfMemoryError ? "out of Java heap memory" : "internal error: " + e;
    line = line.lines().findFirst().orElse("").replaceAll("\\p{Cntrl}", "?").strip();
    return line.length() > MAX_ERROR ? line.substring(0, MAX_ERROR) + "..." : line;
  }
}
