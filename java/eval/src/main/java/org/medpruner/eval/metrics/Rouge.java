package org.medpruner.eval.metrics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * F scores of ROUGE.
 *
 * @param one of unigrams
 * @param two of bigrams, across sentences
 * @param l of the longest common subsequences, summary level
 */
public record Rouge(double one, double two, double l) {
  private static final Rouge NONE = new Rouge(0, 0, 0);

  /** Of the F in the reference's package; keeps it from dividing by 0. */
  private static final double REFERENCE_EPSILON = 1e-8;

  /** A period that ends a sentence and is not a decimal point. */
  private static final Pattern SENTENCE_END = Pattern.compile("\\.(?!\\p{Nd})");

  /**
   * ROUGE as Lin (2004) defines it, where n-grams and matched words count as often as both texts
   * have them, as ROUGE-1.5.5 counts them. Unlike there, words are what white space separates
   * ("effusion," is not "effusion"), and a period that no digit follows ends a sentence.
   */
  public static Rouge strict(String answer, String gold) {
    List<List<String>> a = strictSentences(answer);
    List<List<String>> g = strictSentences(gold);
    if (a.isEmpty() || g.isEmpty()) {
      return NONE;
    }
    return new Rouge(strictN(flat(a), flat(g), 1), strictN(flat(a), flat(g), 2), strictL(a, g));
  }

  /**
   * ROUGE of the Python package {@code rouge} 1.0.1: every period ends a sentence, n-grams and
   * words are sets. Where the package raises an error, for texts without a sentence, 0.
   */
  public static Rouge reference(String answer, String gold) {
    List<List<String>> a = referenceSentences(answer);
    List<List<String>> g = referenceSentences(gold);
    if (a.isEmpty() || g.isEmpty()) {
      return NONE;
    }
    return new Rouge(
        referenceN(flat(a), flat(g), 1), referenceN(flat(a), flat(g), 2), referenceL(a, g));
  }

  private static List<List<String>> strictSentences(String text) {
    return SENTENCE_END
        .splitAsStream(PythonText.lower(text))
        .map(PythonText::split)
        .filter(words -> !words.isEmpty())
        .toList();
  }

  /** A sentence of white space alone stays, with one word that is empty. */
  private static List<List<String>> referenceSentences(String text) {
    return PythonText.split(text, '.').stream()
        .filter(sentence -> !sentence.isEmpty())
        .map(PythonText::split)
        .map(words -> words.isEmpty() ? List.of("") : words)
        .toList();
  }

  private static List<String> flat(List<List<String>> sentences) {
    return sentences.stream().flatMap(List::stream).toList();
  }

  private static List<List<String>> nGrams(List<String> words, int n) {
    List<List<String>> grams = new ArrayList<>();
    for (int i = 0; i + n <= words.size(); i++) {
      grams.add(words.subList(i, i + n));
    }
    return grams;
  }

  private static double strictN(List<String> answer, List<String> gold, int n) {
    List<List<String>> a = nGrams(answer, n);
    List<List<String>> g = nGrams(gold, n);
    Map<List<String>, Integer> left = count(g);
    int matched = 0;
    for (List<String> gram : a) {
      matched += take(left, gram) ? 1 : 0;
    }
    return f(matched, a.size(), g.size(), 0);
  }

  private static double referenceN(List<String> answer, List<String> gold, int n) {
    Set<List<String>> a = new HashSet<>(nGrams(answer, n));
    Set<List<String>> g = new HashSet<>(nGrams(gold, n));
    int matched = (int) a.stream().filter(g::contains).count();
    return f(matched, a.size(), g.size(), REFERENCE_EPSILON);
  }

  private static double strictL(List<List<String>> answer, List<List<String>> gold) {
    Map<String, Integer> leftInAnswer = count(flat(answer));
    int matched = 0;
    for (List<String> g : gold) {
      Set<Integer> union = new TreeSet<>();
      for (List<String> a : answer) {
        union.addAll(common(g, a, false));
      }
      for (int position : union) {
        // A word of the answer matches once, though several gold sentences may have it.
        matched += take(leftInAnswer, g.get(position)) ? 1 : 0;
      }
    }
    return f(matched, flat(answer).size(), flat(gold).size(), 0);
  }

  private static double referenceL(List<List<String>> answer, List<List<String>> gold) {
    Set<String> union = new HashSet<>();
    for (List<String> g : gold) {
      for (List<String> a : answer) {
        common(g, a, true).forEach(position -> union.add(g.get(position)));
      }
    }
    int inAnswer = new HashSet<>(flat(answer)).size();
    int inGold = new HashSet<>(flat(gold)).size();
    return f(union.size(), inAnswer, inGold, REFERENCE_EPSILON);
  }

  /**
   * Positions in {@code x} of one longest common subsequence, last first. Of several the way back
   * through the table decides.
   *
   * @param keepX on a tie step back in {@code y} instead of {@code x}
   */
  private static List<Integer> common(List<String> x, List<String> y, boolean keepX) {
    int[][] length = new int[x.size() + 1][y.size() + 1];
    for (int i = 1; i <= x.size(); i++) {
      for (int j = 1; j <= y.size(); j++) {
        length[i][j] =
            x.get(i - 1).equals(y.get(j - 1))
                ? length[i - 1][j - 1] + 1
                : Math.max(length[i - 1][j], length[i][j - 1]);
      }
    }
    List<Integer> positions = new ArrayList<>();
    int i = x.size();
    int j = y.size();
    while (i > 0 && j > 0) {
      int up = length[i - 1][j];
      int left = length[i][j - 1];
      if (x.get(i - 1).equals(y.get(j - 1))) {
        positions.add(--i);
        j--;
      } else if (up > left || (up == left && !keepX)) {
        i--;
      } else {
        j--;
      }
    }
    return positions;
  }

  private static <T> Map<T, Integer> count(List<T> items) {
    Map<T, Integer> counts = new HashMap<>();
    items.forEach(item -> counts.merge(item, 1, Integer::sum));
    return counts;
  }

  /** Takes one of an item where there is one left. */
  private static <T> boolean take(Map<T, Integer> left, T item) {
    int n = left.getOrDefault(item, 0);
    if (n == 0) {
      return false;
    }
    left.put(item, n - 1);
    return true;
  }

  private static double f(int matched, int inAnswer, int inGold, double epsilon) {
    if (matched == 0) {
      return 0;
    }
    double p = (double) matched / inAnswer;
    double r = (double) matched / inGold;
    return 2 * (p * r / (p + r + epsilon));
  }
}
