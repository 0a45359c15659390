package org.medpruner.eval;

import java.util.List;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.ModelInfo;

/**
 * What a run is about: {@code run.json}, written before the first sample. A run goes on only if all
 * that answers depend on is as it was; where model and data lie may change.
 *
 * @param format {@link #FORMAT}
 * @param created UTC, ISO 8601
 * @param version of this program
 * @param benchmark "amos", "m3d", "3drad" or "phantom"
 * @param data where the samples come from
 * @param model what was loaded
 * @param modelSha256 of the checkpoint folder's files
 * @param settings in order, the baseline {@code off} first
 * @param selection which samples of the benchmark
 * @param maxImages most slices of a volume shown to the model
 * @param generation how answers are generated; 0 new tokens is the checkpoint's own limit, or what
 *     suits the kind of question
 */
public record RunHeader(
    String format,
    String created,
    String version,
    String benchmark,
    Data data,
    ModelInfo model,
    String modelSha256,
    List<Setting> settings,
    Selection selection,
    int maxImages,
    GenerationOptions generation) {
  /** The value of {@link #format}. */
  public static final String FORMAT = "medpruner-eval/2";

  /** Copies the list. */
  public RunHeader {
    settings = List.copyOf(settings);
  }

  /**
   * The files.
   *
   * @param folder absolute; where {@link Sample#volume} starts
   * @param annotations the benchmark's own files that samples were read from, relative to folder
   * @param annotationsSha256 of their bytes
   * @param volumesSha256 of names and sizes of the files of all selected volumes. Their bytes are
   *     hashed when they are read, see {@link SampleResult#volumeSha256}
   */
  public record Data(
      String folder, List<String> annotations, String annotationsSha256, String volumesSha256) {
    /** Copies the list. */
    public Data {
      annotations = List.copyOf(annotations);
    }
  }

  /**
   * Which samples were taken. Whole volumes are drawn until there are enough samples, and kept in
   * the benchmark's order.
   *
   * @param available samples in the benchmark
   * @param limit most samples; 0 for all
   * @param seed of the draw
   * @param count samples taken
   * @param sha256 of {@code samples.jsonl}
   */
  public record Selection(int available, int limit, long seed, int count, String sha256) {}
}
