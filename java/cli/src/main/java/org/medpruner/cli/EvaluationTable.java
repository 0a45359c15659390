package org.medpruner.cli;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.metrics.ClosedAnswers;
import org.medpruner.eval.metrics.Variant;

/**
 * The short table of an evaluation: a line per setting, means over the samples it answered; strict
 * and reference are the accuracy of closed questions.
 */
final class EvaluationTable {
  private static final String HEAD = "%-32s%9s%8s%9s%11s%9s%9s%9s%10s%11s%10s%11s%n";

  private EvaluationTable() {}

  static String text(Run run) {
    StringBuilder b = new StringBuilder();
    b.append(
        String.format(
            Locale.ROOT,
            HEAD,
            "setting",
            "answers",
            "failed",
            "strict",
            "reference",
            "slices",
            "tokens",
            "overall",
            "volume s",
            "prefill s",
            "decode s",
            "KV cache"));
    for (Setting setting : run.settings()) {
      b.append(row(run, setting));
    }
    return b.toString();
  }

  private static String row(Run run, Setting setting) {
    Collection<SampleResult> all = run.results(setting);
    List<SampleResult> answered = all.stream().filter(r -> !r.failed()).toList();
    return String.format(
        Locale.ROOT,
        HEAD,
        setting.name(),
        answered.size(),
        all.size() - answered.size(),
        accuracy(run, answered, Variant.STRICT),
        accuracy(run, answered, Variant.REFERENCE),
        share(answered, r -> r.rates().slice()),
        share(answered, r -> r.rates().token()),
        share(answered, r -> r.rates().overall()),
        seconds(answered, r -> r.seconds().volume()),
        seconds(answered, r -> r.seconds().prefill()),
        seconds(answered, r -> r.seconds().decode()),
        Summary.bytes((long) mean(answered, SampleResult::kvBytes)));
  }

  /** Of the closed questions; "-" when there are none. */
  private static String accuracy(Run run, List<SampleResult> answered, Variant variant) {
    OptionalDouble right =
        answered.stream()
            .filter(r -> run.sample(r.sample()).kind() == Sample.Kind.CLOSED)
            .mapToDouble(r -> right(run.sample(r.sample()), r, variant) ? 1 : 0)
            .average();
    return right.isEmpty() ? "-" : String.format(Locale.ROOT, "%.1f %%", 100 * right.getAsDouble());
  }

  private static boolean right(Sample sample, SampleResult result, Variant variant) {
    String answer = String.valueOf(result.answer());
    return variant == Variant.STRICT
        ? ClosedAnswers.strictCorrect(answer, sample.gold(), sample.choices())
        : ClosedAnswers.referenceCorrect(answer, sample.gold());
  }

  private static String share(List<SampleResult> results, ToDoubleFunction<SampleResult> value) {
    return results.isEmpty()
        ? "-"
        : String.format(Locale.ROOT, "%.1f %%", 100 * mean(results, value));
  }

  private static String seconds(List<SampleResult> results, ToDoubleFunction<SampleResult> value) {
    return results.isEmpty() ? "-" : String.format(Locale.ROOT, "%.3f", mean(results, value));
  }

  private static double mean(List<SampleResult> results, ToDoubleFunction<SampleResult> value) {
    return results.stream().mapToDouble(value).average().orElse(-1);
  }
}
