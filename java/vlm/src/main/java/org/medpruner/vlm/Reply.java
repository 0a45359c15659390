package org.medpruner.vlm;

import org.medpruner.MedPrunerException;

/** What became of one of several requests. */
public sealed interface Reply {
  /**
   * It was answered.
   *
   * @param answer as {@link VisionLanguageModel#ask} gives it
   */
  record Answered(Answer answer) implements Reply {}

  /**
   * It could not be answered, or was not begun because the thread was interrupted.
   *
   * @param cause a {@link org.medpruner.InputException} where the request is at fault, a {@link
   *     NonFiniteLogitsException} where the model is; anything else that was thrown, by a volume
   *     that is closed, the listener, or LibTorch or Java without memory, is the cause's cause
   */
  record Failed(MedPrunerException cause) implements Reply {}

  /**
   * The answer.
   *
   * @return the answer, if there is one
   * @throws MedPrunerException the cause, if it failed
   */
  default Answer orThrow() {
    return switch (this) {
      case Answered a -> a.answer();
      case Failed f -> throw f.cause();
    };
  }
}
