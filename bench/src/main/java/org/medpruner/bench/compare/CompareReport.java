package org.medpruner.bench.compare;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.stream.StreamSupport;
import org.medpruner.bench.Report;
import org.medpruner.bench.Timing;

/**
 * A results file, as {@code bench/compare.schema.json} describes it field by field. Ratios are
 * unpruned over pruned.
 */
record CompareReport(
    String format,
    String created,
    String command,
    Report.Commit commit,
    Report.Machine machine,
    String model,
    String compute,
    String volume,
    String sha256,
    String question,
    Figures figures,
    Timing time) {
  /** The value of {@link #format}. */
  static final String FORMAT = "medpruner-compare/1";

  /** What does not depend on the run. */
  record Figures(
      String preset,
      int slices,
      int slicesKept,
      double visualTokens,
      double prefillTokens,
      double kvBytes,
      String prunedAnswer,
      String unprunedAnswer) {

    private static Figures of(JsonNode audit) {
      JsonNode slices = audit.get("slices");
      JsonNode ratios = audit.get("comparison");
      return new Figures(
          audit.at("/policy/name").asText(),
          slices.size(),
          (int)
              StreamSupport.stream(slices.spliterator(), false)
                  .filter(s -> s.get("kept").asBoolean())
                  .count(),
          ratios.get("visualTokens").asDouble(),
          ratios.get("prefillTokens").asDouble(),
          ratios.get("kvBytes").asDouble(),
          audit.get("answer").asText(),
          ratios.get("unprunedAnswer").asText());
    }
  }

  /**
   * From the audit records of one command's runs.
   *
   * @throws IllegalStateException if they differ in more than their times
   */
  static CompareReport of(
      CompareOptions options, Report.Commit commit, Report.Machine machine, List<JsonNode> audits) {
    List<Figures> figures = audits.stream().map(Figures::of).distinct().toList();
    if (figures.size() != 1) {
      throw new IllegalStateException("runs of one command differ: " + figures);
    }
    JsonNode first = audits.getFirst();
    return new CompareReport(
        FORMAT,
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        options.command(),
        commit,
        machine,
        options.named(options.model()),
        first.at("/model/computeType").asText(),
        options.named(options.volume()),
        first.at("/input/sha256").asText(),
        options.question(),
        figures.getFirst(),
        Timing.of(audits.stream().mapToDouble(a -> a.at("/comparison/time").asDouble()).toArray()));
  }

  /** The README's cells behind volume and question. */
  String cells() {
    return String.format(
        Locale.ROOT,
        "| %d of %d | %.1fx | %.1fx | %.1fx | %.1fx to %.1fx |",
        figures.slicesKept(),
        figures.slices(),
        figures.visualTokens(),
        figures.prefillTokens(),
        figures.kvBytes(),
        time.min(),
        time.max());
  }
}
