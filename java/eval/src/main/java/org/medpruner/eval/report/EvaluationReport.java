package org.medpruner.eval.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.eval.benchmark.SampleVolume;
import org.medpruner.eval.metrics.Meteor;
import org.medpruner.eval.metrics.Scorer;
import org.medpruner.eval.phantom.PhantomTruth;
import org.medpruner.volume.SliceImages;

/**
 * Writes what a run showed: {@value #PAGE}, {@value #CSV} and {@value #MARKDOWN}, with the same
 * figures, and {@value #CHANGES}. Equal runs give equal files.
 */
public final class EvaluationReport {
  /** The page: one file that needs no other and no network. */
  public static final String PAGE = "report.html";

  /** Every figure, a line for every setting, kind of question and category. */
  public static final String CSV = "results.csv";

  /** Every changed answer, of which the page shows those that lost most. */
  public static final String CHANGES = "changes.csv";

  /** The page's tables for a README. */
  public static final String MARKDOWN = "report.md";

  private final Report report;
  private final Path data;

  private EvaluationReport(Report report, Path data) {
    this.report = report;
    this.data = data;
  }

  /** Scores a run, finished or not, whose data lie where they lay when it began. */
  public static EvaluationReport of(Run run) {
    return of(run, Path.of(run.header().data().folder()));
  }

  /**
   * Scores a run, finished or not.
   *
   * @param data the benchmark's folder, wherever it lies now; it may be gone: the report is then
   *     without pictures and lesions
   * @throws InputException if the benchmark says where its lesions are and the file cannot be read
   */
  public static EvaluationReport of(Run run, Path data) {
    Report report = Report.of(run, new Scorer(Meteor.withWordNet()), truth(run, data));
    return new EvaluationReport(report, data);
  }

  /**
   * A short table for a terminal, a line for every setting: answers, accuracy of closed questions,
   * shares kept and costs, the report's own figures. ASCII but for the settings' names.
   */
  public String table() {
    return SummaryTable.render(report);
  }

  /**
   * Writes the report. Names of volumes and folders are in none of the files. The page holds at
   * most 24 volumes' slices and stays below 6 MB.
   *
   * @param folder where the files go; it must exist
   * @param pictures the slices of a sample's volume as the model was shown them; null, or an
   *     exception, where they cannot be read: the page then goes without
   * @return the page
   * @throws InputException if a file cannot be written; then none is changed
   */
  public Path write(Path folder, Function<Sample, @Nullable SliceImages> pictures) {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put(CSV, ResultsCsv.render(report));
    texts.put(CHANGES, ChangesCsv.render(report));
    texts.put(MARKDOWN, ReportMarkdown.render(report));
    texts.put(PAGE, EvaluationPage.render(report, pictures));
    write(folder, texts);
    return folder.resolve(PAGE);
  }

  /**
   * The same with pictures from the data folder, of volumes whose bytes are those that the answers
   * are of.
   *
   * @param folder where the files go, such as the run's; it must exist
   * @return the page
   * @throws InputException if a file cannot be written; then none is changed
   */
  public Path write(Path folder) {
    return write(folder, this::picture);
  }

  /** Null where the volume is another by now: its slices are not those that were answered about. */
  private @Nullable SliceImages picture(Sample sample) {
    Run run = report.run();
    SampleResult answered = run.result(run.settings().getFirst(), sample.id());
    SampleVolume volume = SampleVolume.read(data, sample, run.header().maxImages());
    boolean same = answered != null && answered.volumeSha256().equals(volume.sha256());
    return same ? volume.images() : null;
  }

  /** Where the lesions are, if the benchmark says so and its folder is there. */
  private static @Nullable PhantomTruth truth(Run run, Path data) {
    if (!run.header().benchmark().equals(Benchmark.PHANTOM.word())) {
      return null;
    }
    List<String> annotations = run.header().data().annotations();
    return annotations.isEmpty()
        ? null
        : PhantomTruth.read(data, annotations.getFirst()).orElse(null);
  }

  /** Each file is written under another name first, and all are moved when all are whole. */
  private static void write(Path folder, Map<String, String> texts) {
    Map<Path, Path> working = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, String> e : texts.entrySet()) {
        Path temporary =
            folder.resolve("." + e.getKey() + "." + ProcessHandle.current().pid() + ".tmp");
        working.put(temporary, folder.resolve(e.getKey()));
        Files.write(temporary, e.getValue().getBytes(StandardCharsets.UTF_8));
      }
      for (Map.Entry<Path, Path> e : working.entrySet()) {
        Files.move(
            e.getKey(),
            e.getValue(),
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      List<Path> left = new ArrayList<>(working.keySet());
      left.forEach(EvaluationReport::deleteQuietly);
      throw new InputException(
          "the report could not be written into " + folder + ": " + e + "; choose another folder",
          e);
    }
  }

  private static void deleteQuietly(Path p) {
    try {
      Files.deleteIfExists(p);
    } catch (IOException e) {
      // Already failing: the first cause is the one to report.
    }
  }
}
