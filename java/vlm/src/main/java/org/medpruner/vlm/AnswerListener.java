package org.medpruner.vlm;

/**
 * Receives an answer while it is generated; called on the working thread, must return quickly.
 *
 * <p>Pieces are text as {@link Answer#text()} holds it: no thinking block, no half character, no
 * part of a stop string, no white space at either end. Put together they are that text exactly. (A
 * thinking block whose opening mark the model left out cannot be foreseen: it is streamed, stays
 * part of the text, and the answer follows on a line of its own.)
 */
@FunctionalInterface
public interface AnswerListener {
  /** Receives nothing. */
  AnswerListener NONE = piece -> true;

  /**
   * The answer goes on.
   *
   * @param piece never empty
   * @return false to end the answer here
   */
  boolean text(String piece);
}
