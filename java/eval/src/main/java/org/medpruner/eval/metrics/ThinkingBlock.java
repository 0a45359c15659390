package org.medpruner.eval.metrics;

/** MedGemma's block of thoughts, which precedes the answer and is no part of it. */
public final class ThinkingBlock {
  private static final String BEGIN = "<unused94>";
  private static final String END = "<unused95>";

  private ThinkingBlock() {}

  /** The text without its thoughts; nothing is left after thoughts that never end. */
  public static String strip(String text) {
    String s = text;
    for (int from = s.indexOf(BEGIN); from >= 0; from = s.indexOf(BEGIN)) {
      int to = s.indexOf(END, from);
      s = s.substring(0, from) + (to < 0 ? "" : s.substring(to + END.length()));
    }
    return s.equals(text) ? text : s.strip();
  }
}
