package org.medpruner.bench.serve;

import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.medpruner.bench.Report;

/**
 * A results file, as {@code bench/serve.schema.json} describes it field by field. Sizes in bytes.
 */
record ServeReport(
    String format,
    String created,
    String command,
    Report.Commit commit,
    Report.Machine machine,
    int clients,
    double minutes,
    long heapLimitBytes,
    Map<String, Long> outcomes,
    Map<String, Long> statuses,
    long errors,
    List<String> firstErrors,
    List<Sample> samples) {
  /** The value of {@link #format}. */
  static final String FORMAT = "medpruner-serve/1";

  /** From when on memory is compared with that at the end: what is kept by design is there. */
  private static final double SETTLED_SECONDS = 60;

  /**
   * Memory of the process, server and clients.
   *
   * @param seconds since the clients began
   * @param residentBytes what the system counts
   * @param heapBytes of the Java heap in use right after a full collection
   */
  record Sample(double seconds, long residentBytes, long heapBytes) {}

  /** The sentence that documents quote. */
  String summary() {
    Sample early =
        samples.stream()
            .filter(s -> s.seconds() >= SETTLED_SECONDS)
            .findFirst()
            .orElse(samples.getFirst());
    Sample last = samples.getLast();
    Sample most = Collections.max(samples, Comparator.comparingLong(Sample::residentBytes));
    return String.format(
        Locale.ROOT,
        "%d clients for %s minutes under a heap limit of %d MiB: %,d answers, %,d follow-ups, %,d"
            + " uploads, %,d hang-ups, %,d times 429, %,d other errors. Heap in use after a"
            + " collection: %d MiB after %.0f s, %d MiB at the end; resident memory: %d and %d MiB,"
            + " at most %d MiB, after %.0f s.",
        clients,
        minutes == Math.rint(minutes) ? Long.toString((long) minutes) : Double.toString(minutes),
        mebibytes(heapLimitBytes),
        outcomes.getOrDefault("answer", 0L),
        outcomes.getOrDefault("follow-up", 0L),
        outcomes.getOrDefault("upload", 0L),
        outcomes.getOrDefault("hung up", 0L),
        statuses.getOrDefault("429", 0L),
        errors,
        mebibytes(early.heapBytes()),
        early.seconds(),
        mebibytes(last.heapBytes()),
        mebibytes(early.residentBytes()),
        mebibytes(last.residentBytes()),
        mebibytes(most.residentBytes()),
        most.seconds());
  }

  private static long mebibytes(long bytes) {
    return Math.round(bytes / 1048576.0);
  }
}
