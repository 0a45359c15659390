package org.medpruner.eval.metrics;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * METEOR as nltk computes it: words are matched exactly, then by Porter stem, then by WordNet
 * synonyms of the stem, greedily from the ends of both texts. Alpha 0.9, beta 3, gamma 0.5. Safe
 * for use by several threads.
 */
public final class Meteor {
  private static final double ALPHA = 0.9;
  private static final double BETA = 3;
  private static final double GAMMA = 0.5;

  private final @Nullable Synonyms synonyms;
  private final String missing;

  Meteor(Synonyms synonyms) {
    this.synonyms = synonyms;
    missing = "";
  }

  private Meteor(String missing) {
    synonyms = null;
    this.missing = missing;
  }

  /**
   * METEOR with the WordNet on the class path; unavailable, with the reason, when there is none.
   */
  public static Meteor withWordNet() {
    return WordNet.load(WordNet.RESOURCE);
  }

  /** METEOR that cannot be computed, such as for want of WordNet. */
  static Meteor unavailable(String reason) {
    return new Meteor(reason);
  }

  /** Whether {@link #score} may be called. */
  public boolean available() {
    return synonyms != null;
  }

  /** Why there are no scores, in one line; empty when there are. */
  public String missing() {
    return missing;
  }

  /**
   * The score of an answer.
   *
   * @return in [0, 1]; 0 when no word matches
   * @throws IllegalStateException if unavailable
   */
  public double score(List<String> answer, List<String> gold) {
    if (synonyms == null) {
      throw new IllegalStateException(missing);
    }
    Synonyms thesaurus = synonyms;
    List<Word> a = words(answer);
    List<Word> g = words(gold);
    List<Match> matches = new ArrayList<>();
    match(a, g, String::equals, matches);
    a.replaceAll(Word::stemmed);
    g.replaceAll(Word::stemmed);
    match(a, g, String::equals, matches);
    // As in nltk the stems, not the words, are looked up.
    match(a, g, (x, y) -> x.equals(y) || thesaurus.of(x).contains(y), matches);
    if (matches.isEmpty()) {
      return 0;
    }
    matches.sort(Comparator.comparingInt(Match::inAnswer));
    double n = matches.size();
    double precision = n / answer.size();
    double recall = n / gold.size();
    double mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall);
    return (1 - GAMMA * Math.pow(chunks(matches) / n, BETA)) * mean;
  }

  private record Word(int position, String text) {
    Word stemmed() {
      return new Word(position, PorterStemmer.stem(text));
    }
  }

  private record Match(int inAnswer, int inGold) {}

  private static List<Word> words(List<String> texts) {
    List<Word> words = new ArrayList<>();
    for (String t : texts) {
      words.add(new Word(words.size(), PythonText.lower(Objects.requireNonNull(t))));
    }
    return words;
  }

  /** Moves pairs that agree from both lists to the matches; from the last word to the first. */
  private static void match(
      List<Word> answer, List<Word> gold, BiPredicate<String, String> agree, List<Match> matches) {
    for (int i = answer.size() - 1; i >= 0; i--) {
      for (int j = gold.size() - 1; j >= 0; j--) {
        if (agree.test(answer.get(i).text, gold.get(j).text)) {
          matches.add(new Match(answer.remove(i).position, gold.remove(j).position));
          break;
        }
      }
    }
  }

  /** Runs of matches that are neighbours in both texts. */
  private static int chunks(List<Match> matches) {
    int chunks = 1;
    for (int k = 1; k < matches.size(); k++) {
      Match before = matches.get(k - 1);
      Match m = matches.get(k);
      boolean joined = m.inAnswer == before.inAnswer + 1 && m.inGold == before.inGold + 1;
      chunks += joined ? 0 : 1;
    }
    return chunks;
  }
}
