package org.medpruner.eval.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Locale;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.html.Numbers;
import org.medpruner.eval.metrics.Metric;
import org.medpruner.eval.metrics.Variant;

/** Names of the figures, and how each is written. */
final class Columns {
  static final String SAMPLES = "samples";
  static final String ANSWERED = "answered";
  static final String FAILED = "failed";
  static final String UNREACHED = "unreached";
  static final String EMPTY = "empty";
  static final String CUT = "cut";
  static final String VOLUMES = "volumes";
  static final String SLICE_RATE = "slice_rate";
  static final String TOKEN_RATE = "token_rate";
  static final String OVERALL_RATE = "overall_rate";
  static final String ANCHOR = "anchor_seconds";
  static final String ENCODE = "encode_seconds";
  static final String PRUNE = "prune_seconds";
  static final String PREFILL = "prefill_seconds";
  static final String DECODE = "decode_seconds";
  static final String PEAK = "peak_memory_bytes";
  static final String KV = "kv_bytes";
  static final String PROMPT_TOKENS = "prompt_tokens";
  static final String QUALITY = "quality";
  static final String QUALITY_LOW = "quality_low";
  static final String QUALITY_HIGH = "quality_high";
  static final String PAIRED = "paired";
  static final String DIFFERENCE = "difference";
  static final String DIFFERENCE_LOW = "difference_low";
  static final String DIFFERENCE_HIGH = "difference_high";
  static final String LOST = "lost";
  static final String GAINED = "gained";
  static final String CHANGED = "changed";
  static final String P_MCNEMAR = "p_mcnemar";
  static final String P_VOLUMES = "p_permutation";
  static final String P_HOLM = "p_holm";

  /** What a setting keeps and costs, in the order of the tables of settings. */
  static final List<String> COSTS =
      List.of(SLICE_RATE, TOKEN_RATE, OVERALL_RATE, ENCODE, PREFILL, DECODE, PEAK, KV);

  private Columns() {}

  /** "strict_bleu_1". */
  static String of(Variant variant, Metric metric) {
    return (variant.name() + "_" + metric.name()).toLowerCase(Locale.ROOT);
  }

  /** The metric by which answers of a kind are judged first. */
  static Metric primary(Kind kind) {
    return switch (kind) {
      case CLOSED -> Metric.ACCURACY;
      case OPEN -> Metric.F1;
      case REPORT -> Metric.ROUGE_L;
    };
  }

  /** "Accuracy of closed questions". */
  static String title(Kind kind) {
    return switch (kind) {
      case CLOSED -> "Accuracy of closed questions";
      case OPEN -> "Token F1 of open questions";
      case REPORT -> "ROUGE-L of reports";
    };
  }

  /** A figure as CSV has it: whole numbers whole, others with six significant digits. */
  static String plain(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      return Long.toString((long) value);
    }
    return new BigDecimal(value).round(new MathContext(6)).stripTrailingZeros().toPlainString();
  }

  /** A figure as people read it; a dash when it is not known. */
  static String text(String column, double value) {
    if (!Double.isFinite(value)) {
      return "\u2013";
    }
    if (column.endsWith("_seconds")) {
      return Numbers.seconds(value);
    }
    if (column.endsWith("_bytes")) {
      return Numbers.bytes(Math.round(value));
    }
    if (column.endsWith("_rate")) {
      return Numbers.percent(value);
    }
    if (column.startsWith("p_")) {
      return value < 0.001 ? "< 0.001" : String.format(Locale.ROOT, "%.3f", value);
    }
    if (column.startsWith(DIFFERENCE)) {
      double points = Math.round(value * 1000) / 10.0;
      String sign = points > 0 ? "+" : points < 0 ? "\u2212" : "\u00b1";
      return sign + String.format(Locale.ROOT, "%.1f", Math.abs(points));
    }
    if (column.startsWith(QUALITY)
        || column.startsWith("strict_")
        || column.startsWith("reference_")) {
      return String.format(Locale.ROOT, "%.1f", value * 100);
    }
    return Numbers.count(Math.round(value));
  }
}
