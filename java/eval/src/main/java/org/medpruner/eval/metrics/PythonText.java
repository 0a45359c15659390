package org.medpruner.eval.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Python's string methods where they differ from Java's, for values equal to the reference's. */
final class PythonText {
  private PythonText() {}

  /** {@code str.isspace}: more than Java's {@code \s}, such as the no-break space. */
  static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0D)
        || (c >= 0x1C && c <= 0x20)
        || c == 0x85
        || Character.getType(c) == Character.SPACE_SEPARATOR
        || c == 0x2028
        || c == 0x2029;
  }

  /** {@code str.split()}: words between white space, none of them empty. */
  static List<String> split(String s) {
    List<String> words = new ArrayList<>();
    int from = -1;
    for (int i = 0; i < s.length(); i++) {
      // No white space lies beyond the basic plane.
      boolean space = isSpace(s.charAt(i));
      if (space && from >= 0) {
        words.add(s.substring(from, i));
        from = -1;
      } else if (!space && from < 0) {
        from = i;
      }
    }
    if (from >= 0) {
      words.add(s.substring(from));
    }
    return words;
  }

  /** {@code str.strip()}. */
  static String strip(String s) {
    int from = 0;
    int to = s.length();
    while (from < to && isSpace(s.charAt(from))) {
      from++;
    }
    while (to > from && isSpace(s.charAt(to - 1))) {
      to--;
    }
    return s.substring(from, to);
  }

  /** {@code str.lower()}. */
  static String lower(String s) {
    return s.toLowerCase(Locale.ROOT);
  }

  /** {@code s[:count]}, in code points. */
  static String prefix(String s, int count) {
    return s.codePointCount(0, s.length()) <= count
        ? s
        : s.substring(0, s.offsetByCodePoints(0, count));
  }

  /** {@code s.split(separator)}: empty parts are kept, at the end too. */
  static List<String> split(String s, char separator) {
    List<String> parts = new ArrayList<>();
    int from = 0;
    for (int at = s.indexOf(separator); at >= 0; at = s.indexOf(separator, from)) {
      parts.add(s.substring(from, at));
      from = at + 1;
    }
    parts.add(s.substring(from));
    return parts;
  }
}
