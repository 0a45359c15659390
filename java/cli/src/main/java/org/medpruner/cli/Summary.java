package org.medpruner.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.PeakMemory;

/** The short table on stderr. */
final class Summary {
  private Summary() {}

  /**
   * The table.
   *
   * @param unprunedPromptTokens of the whole prompt, 0 when there was none
   */
  static String text(PruningReport report, long unprunedPromptTokens, long peakBytes) {
    List<SliceReport> slices = report.slices();
    long kept = slices.stream().filter(SliceReport::kept).count();
    StringBuilder b = new StringBuilder();
    row(b, "policy", report.policy().name());
    row(b, "slices kept", share(kept, slices.size()));
    if (report.tokensPerSlice() > 0) {
      long all = (long) slices.size() * report.tokensPerSlice();
      row(b, "tokens kept", share(slices.stream().mapToLong(SliceReport::tokens).sum(), all));
    }
    if (unprunedPromptTokens > 0) {
      row(b, "prefill saved", share(report.savings().prefillTokens(), unprunedPromptTokens));
      row(b, "KV cache saved", bytes(report.savings().kvBytes()));
    }
    StringBuilder seconds = new StringBuilder();
    for (Map.Entry<String, Double> e : report.timings().entrySet()) {
      seconds.append(seconds.isEmpty() ? "" : "  ");
      seconds.append(String.format(Locale.ROOT, "%s %.2f", e.getKey(), e.getValue()));
    }
    row(b, "seconds", seconds.toString());
    if (peakBytes >= 0) {
      row(b, "peak memory", bytes(peakBytes));
    }
    for (String flag : report.flags()) {
      row(b, "note", Failures.oneLine(flag));
    }
    return b.toString();
  }

  /** The table of one of several volumes. */
  static String text(String volume, PruningReport report, long unprunedPromptTokens) {
    StringBuilder b = new StringBuilder();
    row(b, "volume", volume);
    return b + text(report, unprunedPromptTokens, PeakMemory.bytes());
  }

  private static void row(StringBuilder b, String name, String value) {
    b.append(String.format(Locale.ROOT, "%-16s%s%n", name, value));
  }

  private static String share(long part, long all) {
    return String.format(
        Locale.ROOT, "%,d of %,d (%.1f %%)", part, all, all == 0 ? 0.0 : 100.0 * part / all);
  }

  /** "3.2 MiB"; "-" for a negative number, which stands for unknown. */
  static String bytes(long n) {
    if (n < 0) {
      return "-";
    }
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = n;
    int unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  }
}
