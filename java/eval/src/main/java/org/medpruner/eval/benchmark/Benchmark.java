package org.medpruner.eval.benchmark;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.eval.Sample;

/**
 * Benchmarks, each read from files and folders as their authors, or the authors of the published
 * evaluation, lay them out (docs/evaluation.md).
 */
public enum Benchmark {
  /**
   * Reports of abdominal CTs: {@code amos_val_mrg_sft.json} and folders of pictures, or AMOS-MM's
   * own {@code report_generation_train_val.json} and NIfTI.
   */
  AMOS("amos", "Amos", "amos_val_mrg_sft.json"),
  /** M3D-VQA: {@code M3D_test.json} and folders of pictures, or its CSV and {@code .npy}. */
  M3D("m3d", "M3D", "M3D_test.json"),
  /** 3D-RAD: {@code Rad3D_test.json} and folders of pictures, or its CSVs and CT-RATE volumes. */
  RAD3D("3drad", "3DRad", "Rad3D_test.json"),
  /** Generated CT-like volumes, in M3D's layout; see {@link org.medpruner.eval.phantom}. */
  PHANTOM("phantom", "phantom", "M3D_test.json");

  /** AMOS-MM's own reports, by region of the body. */
  private static final String REPORTS_BY_REGION = "report_generation_train_val.json";

  private final String word;
  private final String subfolder;
  private final String annotations;

  Benchmark(String word, String subfolder, String annotations) {
    this.word = word;
    this.subfolder = subfolder;
    this.annotations = annotations;
  }

  /**
   * A benchmark as read.
   *
   * @param annotations the files that samples were read from
   * @param samples in the order of those files
   */
  public record Loaded(List<Path> annotations, List<Sample> samples) {
    /** Copies the lists. */
    public Loaded {
      annotations = List.copyOf(annotations);
      samples = List.copyOf(samples);
    }
  }

  /** Its name on the command line and in files, "3drad". */
  public String word() {
    return word;
  }

  /**
   * A benchmark by its {@link #word}.
   *
   * @throws IllegalArgumentException if there is none; the message lists them
   */
  public static Benchmark of(String word) {
    return Arrays.stream(values())
        .filter(b -> b.word.equals(word.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown benchmark \""
                        + word
                        + "\"; use one of "
                        + String.join(
                            ", ", Arrays.stream(values()).map(Benchmark::word).toList())));
  }

  /**
   * Reads the samples; no volume is opened. An empty question or answer is left empty in its
   * sample, and an entry that cannot be read is one with a {@link Sample#problem}: either then
   * fails alone.
   *
   * @param data the benchmark's folder, or the one that holds it under its usual name
   * @throws InputException in one line naming the file, and the first entry or row where all of
   *     them are bad, and the fix
   */
  public Loaded load(Path data) {
    if (!Files.isDirectory(data)) {
      throw new InputException(
          data
              + (Files.exists(data) ? ": is not a folder" : ": no such folder")
              + "; name the folder of benchmark "
              + word);
    }
    Path file = find(data, annotations);
    if (file != null) {
      return notEmpty(file, new Loaded(List.of(file), new JsonSamples(this, data, file).read()));
    }
    if (this == M3D || this == RAD3D) {
      return notEmpty(data, new CsvSamples(this, data).read());
    }
    String names = annotations;
    if (this == AMOS) {
      Path reports = find(data, REPORTS_BY_REGION);
      if (reports != null) {
        return notEmpty(
            reports, new Loaded(List.of(reports), new RegionReports(this, data, reports).read()));
      }
      names += " and no " + REPORTS_BY_REGION;
    }
    throw new InputException(
        data + ": holds no " + names + ", here or in " + subfolder + "; check --data");
  }

  private @Nullable Path find(Path data, String name) {
    for (Path folder : List.of(data, data.resolve(subfolder))) {
      Path file = folder.resolve(name);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    return null;
  }

  private static Loaded notEmpty(Path file, Loaded loaded) {
    if (loaded.samples.isEmpty()) {
      throw new InputException(file + ": holds no sample; check the file");
    }
    return loaded;
  }

  /** {@link #annotations}, for messages. */
  String annotationsName() {
    return annotations;
  }

  /** Asks for a letter alone, or for few words, as the published evaluation does; "" of "". */
  static String closed(String question) {
    return question.isEmpty()
        ? ""
        : question + "\nAnswer with the option's letter from the given choices directly.";
  }

  static String open(String question) {
    return question.isEmpty() ? "" : question + "\nPlease answer the question concisely.";
  }
}
