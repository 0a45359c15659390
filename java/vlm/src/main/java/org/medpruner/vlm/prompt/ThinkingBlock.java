package org.medpruner.vlm.prompt;

/**
 * The thinking block a model may put before an answer. Its marks are not flagged as special in
 * {@code tokenizer.json}, so decoding keeps them and the block has to be cut out of the text.
 *
 * @param open mark that begins a block
 * @param close mark that ends it
 */
public record ThinkingBlock(String open, String close) {
  /** MedGemma's. */
  public static final ThinkingBlock GEMMA = new ThinkingBlock("<unused94>", "<unused95>");

  /** Qwen's, and of models built on Qwen. */
  public static final ThinkingBlock QWEN = new ThinkingBlock("<think>", "</think>");

  /**
   * The text without its thinking blocks, trimmed. A block that is never closed (the length limit
   * cut it) reaches to the end; a closing mark alone ends a block that began before the text.
   *
   * @param text as decoded
   * @return what is left, without white space at either end
   */
  public String strip(String text) {
    StringBuilder kept = new StringBuilder();
    int at = 0;
    while (at < text.length()) {
      int begin = text.indexOf(open, at);
      int end = text.indexOf(close, at);
      if (end >= 0 && (begin < 0 || end < begin)) {
        kept.setLength(0);
        at = end + close.length();
      } else if (begin < 0) {
        kept.append(text, at, text.length());
        break;
      } else {
        kept.append(text, at, begin);
        if (end < 0) {
          break;
        }
        at = end + close.length();
      }
    }
    return kept.toString().strip();
  }
}
