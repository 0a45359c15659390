package org.medpruner.volume;

/** Compares names the way people number files: 2.png before 10.png. */
public final class NaturalOrder {
  private NaturalOrder() {}

  /**
   * Which of two names comes first; numbers of any length count as numbers.
   *
   * @param a a name or a path
   * @param b another one
   * @return below, at or above 0 as for a {@link java.util.Comparator}; 0 also for numbers that
   *     differ in leading zeros alone
   */
  public static int compare(String a, String b) {
    int i = 0;
    int j = 0;
    while (i < a.length() && j < b.length()) {
      if (isDigit(a.charAt(i)) && isDigit(b.charAt(j))) {
        int endA = endOfDigits(a, i);
        int endB = endOfDigits(b, j);
        String numberA = a.substring(i, endA).replaceFirst("^0+", "");
        String numberB = b.substring(j, endB).replaceFirst("^0+", "");
        int byNumber =
            numberA.length() != numberB.length()
                ? Integer.compare(numberA.length(), numberB.length())
                : numberA.compareTo(numberB);
        if (byNumber != 0) {
          return byNumber;
        }
        i = endA;
        j = endB;
      } else {
        int byCharacter = Character.compare(a.charAt(i), b.charAt(j));
        if (byCharacter != 0) {
          return byCharacter;
        }
        i++;
        j++;
      }
    }
    return Integer.compare(a.length() - i, b.length() - j);
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static int endOfDigits(String s, int from) {
    int end = from;
    while (end < s.length() && isDigit(s.charAt(end))) {
      end++;
    }
    return end;
  }
}
