package org.medpruner.eval.metrics;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Scores answers, each by the strict and by the reference's definitions. Thoughts of the model are
 * stripped first. Safe for use by several threads.
 */
public final class Scorer {
  /** The reference cuts a response there before ROUGE, and not the gold text. */
  private static final int REFERENCE_ROUGE_LENGTH = 2048;

  /** "Findings:", also as Markdown writes it: "**Findings:**", "## Impression" on its own line. */
  private static final Pattern HEADING =
      Pattern.compile(
          "(?<!\\w)(?:#+[ \\t]*)?[*_]*(?:findings|impression)[*_]*:[*_]*"
              + "|^[ \\t]*(?:#+[ \\t]*[*_]*|[*_]+)(?:findings|impression)[*_]*[ \\t]*$",
          Pattern.CASE_INSENSITIVE | Pattern.MULTILINE);

  private static final Pattern PERIOD = Pattern.compile("\\.(?!\\p{Nd})");

  private final Meteor meteor;

  /** A scorer whose METEOR may be unavailable; its scores are then absent. */
  public Scorer(Meteor meteor) {
    this.meteor = meteor;
  }

  /** The scorer's METEOR, which says why its scores are absent. */
  public Meteor meteor() {
    return meteor;
  }

  /**
   * A closed question: {@link Metric#ACCURACY} alone.
   *
   * @param choices upper-case letter to text; empty when they are not known
   */
  public SampleScores closed(String answer, String gold, Map<String, String> choices) {
    String a = ThinkingBlock.strip(answer);
    return new SampleScores(
        Map.of(Metric.ACCURACY, ClosedAnswers.strictCorrect(a, gold, choices) ? 1.0 : 0.0),
        Map.of(Metric.ACCURACY, ClosedAnswers.referenceCorrect(a, gold) ? 1.0 : 0.0));
  }

  /** An open question: every metric but accuracy. */
  public SampleScores open(String answer, String gold) {
    String a = trimmed(ThinkingBlock.strip(answer));
    String g = trimmed(gold);
    List<String> words = PythonText.split(a);
    List<String> goldWords = PythonText.split(g);
    Map<Metric, Double> strict = new EnumMap<>(Metric.class);
    Map<Metric, Double> reference = new EnumMap<>(Metric.class);
    put(strict, TokenOverlap.strict(a, g));
    put(reference, TokenOverlap.reference(a, g));
    put(strict, Rouge.strict(a, g));
    put(reference, Rouge.reference(a, g));
    put(strict, Bleu.smoothed(words, goldWords, Variant.STRICT));
    put(reference, Bleu.smoothed(words, goldWords, Variant.REFERENCE));
    if (meteor.available()) {
      double score = meteor.score(words, goldWords);
      strict.put(Metric.METEOR, score);
      reference.put(Metric.METEOR, score);
    }
    return new SampleScores(strict, reference);
  }

  /**
   * A report: every metric but accuracy. An empty one has no strict scores, and the reference's
   * zeros: it skips empty reports but divides by the number of all. Exact match and F1 the
   * reference computes for open questions alone; here its code for those is applied to the texts
   * that it scores reports by.
   */
  public SampleScores report(String answer, String gold) {
    String response = ThinkingBlock.strip(answer);
    return new SampleScores(strictReport(response, gold), referenceReport(response, gold));
  }

  /** Whether a report says nothing, headings apart. */
  public static boolean isEmptyReport(String answer) {
    return withoutHeadings(ThinkingBlock.strip(answer)).isEmpty();
  }

  private Map<Metric, Double> strictReport(String answer, String gold) {
    Map<Metric, Double> scores = new EnumMap<>(Metric.class);
    String a = withoutHeadings(answer);
    if (a.isEmpty()) {
      return scores;
    }
    String g = withoutHeadings(gold);
    List<String> words = PythonText.split(PERIOD.matcher(PythonText.lower(a)).replaceAll(" ."));
    List<String> goldWords = PythonText.split(PERIOD.matcher(PythonText.lower(g)).replaceAll(" ."));
    put(scores, TokenOverlap.strict(a, g));
    put(scores, Rouge.strict(a, g));
    put(scores, Bleu.plain(words, goldWords));
    meteor(scores, words, goldWords);
    return scores;
  }

  private Map<Metric, Double> referenceReport(String answer, String gold) {
    Map<Metric, Double> scores = new EnumMap<>(Metric.class);
    String a = answer.replace("Findings:", "").replace("Impression:", "");
    if (a.isEmpty()) {
      put(scores, new TokenOverlap(0, 0, 0, 0));
      put(scores, new Rouge(0, 0, 0));
      put(scores, new double[4]);
      if (meteor.available()) {
        scores.put(Metric.METEOR, 0.0);
      }
      return scores;
    }
    List<String> words = reportWords(a);
    List<String> goldWords = reportWords(gold);
    String cut = PythonText.prefix(PythonText.lower(a), REFERENCE_ROUGE_LENGTH);
    put(scores, TokenOverlap.reference(trimmed(a), trimmed(gold)));
    put(scores, Rouge.reference(cut, PythonText.lower(gold)));
    put(scores, Bleu.plain(words, goldWords));
    meteor(scores, words, goldWords);
    return scores;
  }

  /** The reference splits at single spaces, so that a line break joins two words. */
  private static List<String> reportWords(String text) {
    return PythonText.split(PythonText.lower(text).replace(".", " ."), ' ').stream()
        .filter(word -> !word.isEmpty())
        .toList();
  }

  private static String trimmed(String text) {
    return PythonText.lower(PythonText.strip(text));
  }

  private static String withoutHeadings(String text) {
    return PythonText.strip(HEADING.matcher(text).replaceAll(" "));
  }

  private void meteor(Map<Metric, Double> scores, List<String> words, List<String> goldWords) {
    if (meteor.available()) {
      scores.put(Metric.METEOR, meteor.score(words, goldWords));
    }
  }

  private static void put(Map<Metric, Double> scores, TokenOverlap o) {
    scores.put(Metric.EXACT_MATCH, o.exactMatch());
    scores.put(Metric.F1, o.f1());
    scores.put(Metric.PRECISION, o.precision());
    scores.put(Metric.RECALL, o.recall());
  }

  private static void put(Map<Metric, Double> scores, Rouge r) {
    scores.put(Metric.ROUGE_1, r.one());
    scores.put(Metric.ROUGE_2, r.two());
    scores.put(Metric.ROUGE_L, r.l());
  }

  private static void put(Map<Metric, Double> scores, double[] bleu) {
    scores.put(Metric.BLEU_1, bleu[0]);
    scores.put(Metric.BLEU_2, bleu[1]);
    scores.put(Metric.BLEU_3, bleu[2]);
    scores.put(Metric.BLEU_4, bleu[3]);
  }
}
