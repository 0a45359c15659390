package org.medpruner.eval.benchmark;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The choices of a closed question, letter to text. */
final class Choices {
  /** "A.Yes", "B) no", "(c) both" at the beginning of a line. */
  private static final Pattern LINE = Pattern.compile("(?m)^\\h*\\(?([A-Za-z])[.):]\\s*");

  /** The same behind a space, all in one line. */
  private static final Pattern WORD = Pattern.compile("(?:^|(?<=\\s))([A-Z])[.):]\\s*");

  private static final String HEADING = "Choices:";

  private Choices() {}

  /**
   * Finds them in a question's text: marks A, B, ... in this order, each on its own line, or all in
   * one behind "Choices:". Empty when there are not at least two.
   *
   * @return upper-case letters
   */
  static Map<String, String> in(String question) {
    Map<String, String> lines = fullest(question, LINE);
    if (lines.size() >= 2) {
      return lines;
    }
    int heading = Math.max(0, question.lastIndexOf(HEADING));
    Map<String, String> words = fullest(question.substring(heading), WORD);
    return words.size() >= 2 ? words : Map.of();
  }

  /** "Is it type A. or not? A. yes B. no": of several beginnings the last that misses nothing. */
  private static Map<String, String> fullest(String text, Pattern mark) {
    List<MatchResult> marks = mark.matcher(text).results().toList();
    Map<String, String> best = Map.of();
    long most = 0;
    for (int i = 0; i < marks.size(); i++) {
      if (letter(marks.get(i)) == 'A') {
        Map<String, String> choices = from(text, marks.subList(i, marks.size()));
        long filled = choices.values().stream().filter(t -> !t.isEmpty()).count();
        if (filled >= most) {
          best = choices;
          most = filled;
        }
      }
    }
    return best;
  }

  private static Map<String, String> from(String text, List<MatchResult> marks) {
    Map<String, String> choices = new LinkedHashMap<>();
    char next = 'A';
    int begin = -1;
    for (MatchResult m : marks) {
      // "A. vitamin C. B. none": only the next letter in turn is a mark.
      if (letter(m) == next) {
        if (begin >= 0) {
          choices.put(String.valueOf((char) (next - 1)), text.substring(begin, m.start()).strip());
        }
        begin = m.end();
        next++;
      }
    }
    choices.put(String.valueOf((char) (next - 1)), text.substring(begin).strip());
    return choices;
  }

  private static char letter(MatchResult mark) {
    return mark.group(1).toUpperCase(Locale.ROOT).charAt(0);
  }
}
