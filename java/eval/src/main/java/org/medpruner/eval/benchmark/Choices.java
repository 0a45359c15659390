package org.medpruner.eval.benchmark;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The choices of a closed question, letter to text. */
final class Choices {
  /** "A.Yes", "B) no": at the beginning of a line, or behind a space in one line of choices. */
  private static final Pattern MARK = Pattern.compile("(?:^|(?<=\\s))([A-Z])[.):]\\s*");

  private Choices() {}

  /**
   * Finds them in a question's text: marks A, B, ... in this order, each on its own line or all
   * behind "Choices:". Empty when there are not at least two.
   */
  static Map<String, String> in(String question) {
    Map<String, String> choices = new LinkedHashMap<>();
    Matcher m = MARK.matcher(question);
    char next = 'A';
    int from = -1;
    while (m.find()) {
      // "vitamin A. Where" is no choice: only the next letter in turn is one.
      if (m.group(1).charAt(0) != next) {
        continue;
      }
      if (from >= 0) {
        choices.put(String.valueOf((char) (next - 1)), question.substring(from, m.start()).strip());
      }
      from = m.end();
      next++;
    }
    if (from >= 0) {
      choices.put(String.valueOf((char) (next - 1)), question.substring(from).strip());
    }
    return choices.size() >= 2 ? choices : Collections.emptyMap();
  }
}
