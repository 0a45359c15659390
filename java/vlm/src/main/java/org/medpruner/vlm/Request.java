package org.medpruner.vlm;

import java.util.Objects;

/**
 * A question about an encoded volume, one of several.
 *
 * @param volume may be that of other requests too; not closed
 * @param question not blank
 * @param options how to answer it
 * @param listener receives its text while it is generated
 */
public record Request(
    EncodedVolume volume, String question, GenerationOptions options, AnswerListener listener) {

  /**
   * Checks that nothing is missing.
   *
   * @throws IllegalArgumentException if the question is blank
   */
  public Request {
    Objects.requireNonNull(volume, "volume");
    Objects.requireNonNull(question, "question");
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(listener, "listener");
    if (question.isBlank()) {
      throw new IllegalArgumentException("question: it is blank, but it must have a character");
    }
  }

  /**
   * Waits for the whole answer.
   *
   * @param volume may be that of other requests too; not closed
   * @param question not blank
   * @param options how to answer it
   * @throws IllegalArgumentException if the question is blank
   */
  public Request(EncodedVolume volume, String question, GenerationOptions options) {
    this(volume, question, options, AnswerListener.NONE);
  }
}
