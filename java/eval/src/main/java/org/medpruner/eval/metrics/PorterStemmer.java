package org.medpruner.eval.metrics;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Porter's stemmer with nltk's extensions, its default mode: irregular forms, {@code -ies} and
 * {@code -ied} of short words, {@code y} after a consonant alone, {@code -fulli} and {@code -logi}.
 */
final class PorterStemmer {
  private static final Map<String, String> IRREGULAR =
      Map.ofEntries(
          Map.entry("sky", "sky"),
          Map.entry("skies", "sky"),
          Map.entry("dying", "die"),
          Map.entry("lying", "lie"),
          Map.entry("tying", "tie"),
          Map.entry("news", "news"),
          Map.entry("innings", "inning"),
          Map.entry("inning", "inning"),
          Map.entry("outings", "outing"),
          Map.entry("outing", "outing"),
          Map.entry("cannings", "canning"),
          Map.entry("canning", "canning"),
          Map.entry("howe", "howe"),
          Map.entry("proceed", "proceed"),
          Map.entry("exceed", "exceed"),
          Map.entry("succeed", "succeed"));

  /**
   * The first rule whose suffix the word has is the one that counts, whether its condition holds or
   * not.
   */
  private record Rule(String suffix, String replacement, Predicate<String> condition) {
    Rule(String suffix, String replacement) {
      this(suffix, replacement, stem -> true);
    }
  }

  private static final List<Rule> STEP_1A =
      List.of(
          new Rule("sses", "ss"), new Rule("ies", "i"), new Rule("ss", "ss"), new Rule("s", ""));

  private static final List<Rule> STEP_1C =
      List.of(new Rule("y", "i", s -> s.length() > 1 && consonant(s, s.length() - 1)));

  private static final List<Rule> STEP_2 =
      List.of(
          new Rule("ational", "ate", PorterStemmer::m0),
          new Rule("tional", "tion", PorterStemmer::m0),
          new Rule("enci", "ence", PorterStemmer::m0),
          new Rule("anci", "ance", PorterStemmer::m0),
          new Rule("izer", "ize", PorterStemmer::m0),
          new Rule("bli", "ble", PorterStemmer::m0),
          new Rule("alli", "al", PorterStemmer::m0),
          new Rule("entli", "ent", PorterStemmer::m0),
          new Rule("eli", "e", PorterStemmer::m0),
          new Rule("ousli", "ous", PorterStemmer::m0),
          new Rule("ization", "ize", PorterStemmer::m0),
          new Rule("ation", "ate", PorterStemmer::m0),
          new Rule("ator", "ate", PorterStemmer::m0),
          new Rule("alism", "al", PorterStemmer::m0),
          new Rule("iveness", "ive", PorterStemmer::m0),
          new Rule("fulness", "ful", PorterStemmer::m0),
          new Rule("ousness", "ous", PorterStemmer::m0),
          new Rule("aliti", "al", PorterStemmer::m0),
          new Rule("iviti", "ive", PorterStemmer::m0),
          new Rule("biliti", "ble", PorterStemmer::m0),
          new Rule("fulli", "ful", PorterStemmer::m0),
          // The l belongs to the stem that is measured, for the sake of "geology".
          new Rule("logi", "log", stem -> measure(stem + "l") > 0));

  private static final List<Rule> STEP_3 =
      List.of(
          new Rule("icate", "ic", PorterStemmer::m0),
          new Rule("ative", "", PorterStemmer::m0),
          new Rule("alize", "al", PorterStemmer::m0),
          new Rule("iciti", "ic", PorterStemmer::m0),
          new Rule("ical", "ic", PorterStemmer::m0),
          new Rule("ful", "", PorterStemmer::m0),
          new Rule("ness", "", PorterStemmer::m0));

  private static final List<Rule> STEP_4 =
      List.of(
          new Rule("al", "", PorterStemmer::m1),
          new Rule("ance", "", PorterStemmer::m1),
          new Rule("ence", "", PorterStemmer::m1),
          new Rule("er", "", PorterStemmer::m1),
          new Rule("ic", "", PorterStemmer::m1),
          new Rule("able", "", PorterStemmer::m1),
          new Rule("ible", "", PorterStemmer::m1),
          new Rule("ant", "", PorterStemmer::m1),
          new Rule("ement", "", PorterStemmer::m1),
          new Rule("ment", "", PorterStemmer::m1),
          new Rule("ent", "", PorterStemmer::m1),
          new Rule("ion", "", stem -> m1(stem) && (stem.endsWith("s") || stem.endsWith("t"))),
          new Rule("ou", "", PorterStemmer::m1),
          new Rule("ism", "", PorterStemmer::m1),
          new Rule("ate", "", PorterStemmer::m1),
          new Rule("iti", "", PorterStemmer::m1),
          new Rule("ous", "", PorterStemmer::m1),
          new Rule("ive", "", PorterStemmer::m1),
          new Rule("ize", "", PorterStemmer::m1));

  private PorterStemmer() {}

  /** Stem of a lower-case word. */
  static String stem(String word) {
    String irregular = IRREGULAR.get(word);
    if (irregular != null) {
      return irregular;
    }
    if (word.codePointCount(0, word.length()) <= 2) {
      return word;
    }
    String s = step1a(word);
    s = step1b(s);
    s = apply(s, STEP_1C);
    s = step2(s);
    s = apply(s, STEP_3);
    s = apply(s, STEP_4);
    s = step5a(s);
    return s.endsWith("ll") && measure(cut(s, 1)) > 1 ? cut(s, 1) : s;
  }

  private static String step1a(String word) {
    return word.endsWith("ies") && word.length() == 4 ? cut(word, 1) : apply(word, STEP_1A);
  }

  private static String step1b(String word) {
    if (word.endsWith("ied")) {
      return cut(word, word.length() == 4 ? 1 : 2);
    }
    if (word.endsWith("eed")) {
      return measure(cut(word, 3)) > 0 ? cut(word, 1) : word;
    }
    for (String suffix : List.of("ed", "ing")) {
      if (word.endsWith(suffix)) {
        String stem = cut(word, suffix.length());
        if (containsVowel(stem)) {
          return repaired(stem);
        }
      }
    }
    return word;
  }

  /** Gives a stem back the e that it lost, or takes the letter that was doubled. */
  private static String repaired(String stem) {
    if (stem.endsWith("at") || stem.endsWith("bl") || stem.endsWith("iz")) {
      return stem + "e";
    }
    int last = stem.length() - 1;
    if (stem.length() >= 2 && stem.charAt(last) == stem.charAt(last - 1) && consonant(stem, last)) {
      return "lsz".indexOf(stem.charAt(last)) < 0 ? cut(stem, 1) : stem;
    }
    return measure(stem) == 1 && endsCvc(stem) ? stem + "e" : stem;
  }

  private static String step2(String word) {
    if (word.endsWith("alli") && measure(cut(word, 4)) > 0) {
      return step2(cut(word, 2));
    }
    return apply(word, STEP_2);
  }

  private static String step5a(String word) {
    if (!word.endsWith("e")) {
      return word;
    }
    String stem = cut(word, 1);
    int m = measure(stem);
    return m > 1 || (m == 1 && !endsCvc(stem)) ? stem : word;
  }

  private static String apply(String word, List<Rule> rules) {
    for (Rule rule : rules) {
      if (word.endsWith(rule.suffix)) {
        String stem = cut(word, rule.suffix.length());
        return rule.condition.test(stem) ? stem + rule.replacement : word;
      }
    }
    return word;
  }

  private static String cut(String word, int letters) {
    return word.substring(0, word.length() - letters);
  }

  private static boolean consonant(String word, int i) {
    return switch (word.charAt(i)) {
      case 'a', 'e', 'i', 'o', 'u' -> false;
      case 'y' -> i == 0 || !consonant(word, i - 1);
      default -> true;
    };
  }

  /** Number of times a consonant follows a vowel. */
  private static int measure(String stem) {
    int m = 0;
    for (int i = 1; i < stem.length(); i++) {
      m += consonant(stem, i) && !consonant(stem, i - 1) ? 1 : 0;
    }
    return m;
  }

  private static boolean m0(String stem) {
    return measure(stem) > 0;
  }

  private static boolean m1(String stem) {
    return measure(stem) > 1;
  }

  private static boolean containsVowel(String stem) {
    for (int i = 0; i < stem.length(); i++) {
      if (!consonant(stem, i)) {
        return true;
      }
    }
    return false;
  }

  private static boolean endsCvc(String word) {
    int n = word.length();
    if (n == 2) {
      return !consonant(word, 0) && consonant(word, 1);
    }
    return n >= 3
        && consonant(word, n - 3)
        && !consonant(word, n - 2)
        && consonant(word, n - 1)
        && "wxy".indexOf(word.charAt(n - 1)) < 0;
  }
}
