package org.medpruner.eval.metrics;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How far the words of an answer are those of the gold text.
 *
 * @param exactMatch strict: 1 when the normalised texts are equal, or, where nothing is left of
 *     either, the texts themselves; 0 of an empty answer. Reference: distinct gold words found in
 *     the answer, per word of the answer, which is neither an exact match nor bounded by 1
 * @param f1 harmonic mean of precision and recall
 * @param precision matched words per word of the answer
 * @param recall matched words per word of the gold text
 */
public record TokenOverlap(double exactMatch, double f1, double precision, double recall) {

  /** Overlap of multisets: a word counts as often as both texts have it. */
  public static TokenOverlap strict(String answer, String gold) {
    String a = WordNormalizer.strict(answer);
    String g = WordNormalizer.strict(gold);
    // Of "A" normalisation leaves nothing, as of "the" and of no answer.
    boolean equal = a.isEmpty() && g.isEmpty() ? sameText(answer, gold) : a.equals(g);
    Map<String, Integer> inAnswer = count(a);
    Map<String, Integer> inGold = count(g);
    if (inAnswer.isEmpty() || inGold.isEmpty()) {
      double both = equal ? 1 : 0;
      return new TokenOverlap(both, both, both, both);
    }
    int matched = 0;
    for (Map.Entry<String, Integer> e : inAnswer.entrySet()) {
      matched += Math.min(e.getValue(), inGold.getOrDefault(e.getKey(), 0));
    }
    return of(equal ? 1 : 0, matched, total(inAnswer) - matched, total(inGold) - matched);
  }

  /** Whether texts without a word are the same, case apart; one that says nothing is like none. */
  private static boolean sameText(String answer, String gold) {
    String a = PythonText.lower(PythonText.strip(answer));
    return !a.isEmpty() && a.equals(PythonText.lower(PythonText.strip(gold)));
  }

  /** The reference's: a shared word counts as often as the answer has it. */
  public static TokenOverlap reference(String answer, String gold) {
    Map<String, Integer> inAnswer = count(WordNormalizer.reference(answer));
    Map<String, Integer> inGold = count(WordNormalizer.reference(gold));
    int matched = 0;
    int surplus = 0;
    for (Map.Entry<String, Integer> e : inAnswer.entrySet()) {
      if (inGold.containsKey(e.getKey())) {
        matched += e.getValue();
      } else {
        surplus += e.getValue();
      }
    }
    int missed = 0;
    long found = 0;
    for (Map.Entry<String, Integer> e : inGold.entrySet()) {
      if (inAnswer.containsKey(e.getKey())) {
        found++;
      } else {
        missed += e.getValue();
      }
    }
    double exact = inAnswer.isEmpty() ? 0 : (double) found / total(inAnswer);
    return inAnswer.isEmpty() || inGold.isEmpty()
        ? new TokenOverlap(exact, 0, 0, 0)
        : of(exact, matched, surplus, missed);
  }

  private static TokenOverlap of(double exact, int matched, int surplus, int missed) {
    if (matched == 0) {
      return new TokenOverlap(exact, 0, 0, 0);
    }
    double precision = (double) matched / (matched + surplus);
    double recall = (double) matched / (matched + missed);
    return new TokenOverlap(
        exact, 2 * precision * recall / (precision + recall), precision, recall);
  }

  private static Map<String, Integer> count(String normalised) {
    List<String> words = PythonText.split(PythonText.lower(normalised));
    Map<String, Integer> counts = new LinkedHashMap<>();
    words.forEach(w -> counts.merge(w, 1, Integer::sum));
    return counts;
  }

  private static int total(Map<String, Integer> counts) {
    return counts.values().stream().mapToInt(Integer::intValue).sum();
  }
}
