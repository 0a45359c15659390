package org.medpruner.cli;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Progress;

/** What a pruned and an unpruned run of one model on one volume gave and cost. */
final class Comparison {
  /**
   * One run.
   *
   * @param name of its policy
   * @param answer the model's
   * @param seconds anchoring to decoding, without loading
   * @param visualTokens given to the language model
   * @param prefillTokens prompt tokens
   * @param kvBytes key-value cache after prefill
   * @param peakBytes peak resident set of the process so far, -1 when unknown
   */
  record Run(
      String name,
      String answer,
      double seconds,
      long visualTokens,
      long prefillTokens,
      long kvBytes,
      long peakBytes) {}

  /** Unpruned over pruned, so that more is better; NaN when unknown. */
  record Ratios(
      double time, double visualTokens, double prefillTokens, double kvBytes, double peakMemory) {}

  /** Stages that happen once for both runs. */
  private static final Set<String> SHARED = Set.of(Progress.READ, Progress.LOAD);

  private Comparison() {}

  /** Seconds of a run without what both share. */
  static double seconds(Map<String, Double> timings) {
    return timings.entrySet().stream()
        .filter(e -> !SHARED.contains(e.getKey()))
        .mapToDouble(Map.Entry::getValue)
        .sum();
  }

  static Ratios ratios(Run off, Run pruned) {
    return new Ratios(
        ratio(off.seconds, pruned.seconds),
        ratio(off.visualTokens, pruned.visualTokens),
        ratio(off.prefillTokens, pruned.prefillTokens),
        ratio(off.kvBytes, pruned.kvBytes),
        off.peakBytes < 0 || pruned.peakBytes < 0
            ? Double.NaN
            : ratio(off.peakBytes, pruned.peakBytes));
  }

  /** For the audit record of the pruned run. */
  static Audit.Comparison audited(String unprunedAnswer, Run off, Run pruned) {
    Ratios r = ratios(off, pruned);
    return new Audit.Comparison(
        unprunedAnswer, r.time, r.visualTokens, r.prefillTokens, r.kvBytes, r.peakMemory);
  }

  private static double ratio(double off, double pruned) {
    return pruned > 0 ? off / pruned : Double.NaN;
  }

  /** Both answers, then one line per figure. */
  static String text(Run off, Run pruned) {
    Ratios r = ratios(off, pruned);
    StringBuilder b = new StringBuilder();
    int width = Math.max(off.name.length(), pruned.name.length());
    for (Run run : new Run[] {off, pruned}) {
      b.append(String.format(Locale.ROOT, "%-" + width + "s  %s%n", run.name, run.answer));
    }
    b.append(
        String.format(Locale.ROOT, "%n%-16s%14s%14s%10s%n", "", off.name, pruned.name, "ratio"));
    row(b, "seconds", seconds(off), seconds(pruned), r.time);
    row(b, "visual tokens", count(off.visualTokens), count(pruned.visualTokens), r.visualTokens);
    row(
        b,
        "prefill tokens",
        count(off.prefillTokens),
        count(pruned.prefillTokens),
        r.prefillTokens);
    row(b, "KV cache", Summary.bytes(off.kvBytes), Summary.bytes(pruned.kvBytes), r.kvBytes);
    row(
        b,
        "peak memory",
        Summary.bytes(off.peakBytes),
        Summary.bytes(pruned.peakBytes),
        r.peakMemory);
    return b.toString();
  }

  private static String seconds(Run run) {
    return String.format(Locale.ROOT, "%.2f", run.seconds);
  }

  private static String count(long n) {
    return String.format(Locale.ROOT, "%,d", n);
  }

  private static void row(StringBuilder b, String name, String off, String pruned, double ratio) {
    String shown = Double.isNaN(ratio) ? "-" : String.format(Locale.ROOT, "%.2f x", ratio);
    b.append(String.format(Locale.ROOT, "%-16s%14s%14s%10s%n", name, off, pruned, shown));
  }
}
