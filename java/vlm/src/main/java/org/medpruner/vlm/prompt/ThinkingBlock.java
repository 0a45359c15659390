package org.medpruner.vlm.prompt;

/**
 * The thinking block MedGemma may put before an answer. Its marks are not flagged as special in
 * {@code tokenizer.json}, so decoding keeps them and the block has to be cut out of the text.
 */
public final class ThinkingBlock {
  private static final String OPEN = "<unused94>";
  private static final String CLOSE = "<unused95>";

  private ThinkingBlock() {}

  /**
   * The text without its thinking blocks, trimmed. A block that is never closed (the length limit
   * cut it) reaches to the end; a closing mark alone ends a block that began before the text.
   */
  public static String strip(String text) {
    StringBuilder kept = new StringBuilder();
    int at = 0;
    while (at < text.length()) {
      int open = text.indexOf(OPEN, at);
      int close = text.indexOf(CLOSE, at);
      if (close >= 0 && (open < 0 || close < open)) {
        kept.setLength(0);
        at = close + CLOSE.length();
      } else if (open < 0) {
        kept.append(text, at, text.length());
        break;
      } else {
        kept.append(text, at, open);
        if (close < 0) {
          break;
        }
        at = close + CLOSE.length();
      }
    }
    return kept.toString().strip();
  }
}
