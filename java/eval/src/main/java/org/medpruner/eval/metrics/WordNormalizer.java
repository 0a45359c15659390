package org.medpruner.eval.metrics;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Normalises an answer before its words are compared: punctuation, articles, number words and
 * contractions.
 */
public final class WordNormalizer {
  private static final String PUNCTUATION = ";/[]\"{}()=+\\_-><@`,?!";

  private static final Pattern COMMA_IN_NUMBER = Pattern.compile("(?<=\\p{Nd}),(?=\\p{Nd})");
  private static final Pattern PERIOD = Pattern.compile("\\.(?!\\p{Nd})");
  private static final Pattern PUNCTUATION_CLASS =
      Pattern.compile("[" + Pattern.quote(PUNCTUATION) + "]");

  /** The reference passes a flag where the number of replacements belongs; the flag's value. */
  private static final int REFERENCE_PERIODS = 32;

  private static final Map<String, String> NUMBERS =
      Map.ofEntries(
          Map.entry("none", "0"),
          Map.entry("zero", "0"),
          Map.entry("one", "1"),
          Map.entry("two", "2"),
          Map.entry("three", "3"),
          Map.entry("four", "4"),
          Map.entry("five", "5"),
          Map.entry("six", "6"),
          Map.entry("seven", "7"),
          Map.entry("eight", "8"),
          Map.entry("nine", "9"),
          Map.entry("ten", "10"));

  private static final Set<String> ARTICLES = Set.of("a", "an", "the");

  private static final Map<String, String> CONTRACTIONS = contractions();

  private WordNormalizer() {}

  /**
   * Commas between digits vanish, every other listed punctuation character becomes a space, every
   * period not followed by a digit vanishes; then words as in {@link #reference}.
   */
  public static String strict(String text) {
    String s = COMMA_IN_NUMBER.matcher(text).replaceAll("");
    s = PUNCTUATION_CLASS.matcher(s).replaceAll(" ");
    return words(PERIOD.matcher(s).replaceAll(""));
  }

  /**
   * The reference's {@code normalize_word}. A punctuation character is deleted where it stands next
   * to a space anywhere, all of them are where any comma stands between digits, else it becomes a
   * space; at most 32 periods are removed.
   */
  public static String reference(String text) {
    boolean number = COMMA_IN_NUMBER.matcher(text).find();
    String s = text;
    for (int i = 0; i < PUNCTUATION.length(); i++) {
      char p = PUNCTUATION.charAt(i);
      boolean delete = number || text.contains(p + " ") || text.contains(" " + p);
      s = s.replace(String.valueOf(p), delete ? "" : " ");
    }
    int[] removed = {0};
    s = PERIOD.matcher(s).replaceAll(m -> removed[0]++ < REFERENCE_PERIODS ? "" : m.group());
    return words(s);
  }

  private static String words(String s) {
    UnaryOperator<String> number = w -> NUMBERS.getOrDefault(w, w);
    return PythonText.split(PythonText.lower(s)).stream()
        .map(number)
        .filter(w -> !ARTICLES.contains(w))
        .map(w -> CONTRACTIONS.getOrDefault(w, w))
        .collect(Collectors.joining(" "))
        .replace(",", "");
  }

  private static Map<String, String> contractions() {
    try (InputStream in =
            Objects.requireNonNull(WordNormalizer.class.getResourceAsStream("contractions.txt"));
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      Map<String, String> map = new HashMap<>();
      for (String line : lines.lines().toList()) {
        List<String> pair = PythonText.split(line);
        map.put(pair.get(0), pair.get(1));
      }
      return Map.copyOf(map);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
