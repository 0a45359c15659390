package org.medpruner.eval.metrics;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Sentence BLEU against one gold text, as nltk's {@code sentence_bleu} computes it. */
public final class Bleu {
  /** Weights of BLEU-1 to BLEU-4. */
  private static final double[][] WEIGHTS = {
    {1}, {1 / 2.0, 1 / 2.0}, {1 / 3.0, 1 / 3.0, 1 / 3.0}, {1 / 4.0, 1 / 4.0, 1 / 4.0, 1 / 4.0}
  };

  /** The reference's BLEU-3 of questions; its weights do not add up to 1. */
  private static final double[] REFERENCE_BLEU_3 = {0.33, 0.33, 0.33};

  /** What smoothing method 1 counts where an order has no match. */
  private static final double EPSILON = 0.1;

  private Bleu() {}

  /**
   * BLEU-1 to BLEU-4 of an answer, with smoothing method 1 of Chen and Cherry (2014).
   *
   * @param variant only BLEU-3 differs, by its weights
   * @return four values
   */
  public static double[] smoothed(List<String> answer, List<String> gold, Variant variant) {
    double[] scores = new double[4];
    for (int n = 1; n <= 4; n++) {
      double[] weights = n == 3 && variant == Variant.REFERENCE ? REFERENCE_BLEU_3 : WEIGHTS[n - 1];
      scores[n - 1] = score(answer, gold, weights, true);
    }
    return scores;
  }

  /**
   * BLEU-1 to BLEU-4 of a report, without smoothing: 0, but for a remainder under 1e-70, where an
   * order has no match.
   *
   * @return four values
   */
  public static double[] plain(List<String> answer, List<String> gold) {
    return Arrays.stream(WEIGHTS).mapToDouble(w -> score(answer, gold, w, false)).toArray();
  }

  private static double score(
      List<String> answer, List<String> gold, double[] weights, boolean smooth) {
    double logs = 0;
    for (int n = 1; n <= weights.length; n++) {
      Map<List<String>, Integer> counts = nGrams(answer, n);
      Map<List<String>, Integer> allowed = nGrams(gold, n);
      int matched = 0;
      int all = 0;
      for (Map.Entry<List<String>, Integer> e : counts.entrySet()) {
        matched += Math.min(e.getValue(), allowed.getOrDefault(e.getKey(), 0));
        all += e.getValue();
      }
      if (n == 1 && matched == 0) {
        return 0;
      }
      double precision = (double) matched / Math.max(1, all);
      if (matched == 0) {
        // Not 0 without smoothing, for its logarithm is taken; nltk does the same.
        precision = smooth ? EPSILON / Math.max(1, all) : Double.MIN_NORMAL;
      }
      logs += weights[n - 1] * Math.log(precision);
    }
    double brevity =
        answer.size() > gold.size() ? 1 : Math.exp(1 - (double) gold.size() / answer.size());
    return brevity * Math.exp(logs);
  }

  private static Map<List<String>, Integer> nGrams(List<String> words, int n) {
    Map<List<String>, Integer> counts = new HashMap<>();
    for (int i = 0; i + n <= words.size(); i++) {
      counts.merge(words.subList(i, i + n), 1, Integer::sum);
    }
    return counts;
  }
}
