package org.medpruner.vlm;

import org.medpruner.MedPrunerException;

/** The model gave no usable logits: a NaN, an infinity, or nothing above minus infinity. */
public final class NonFiniteLogitsException extends MedPrunerException {
  private static final long serialVersionUID = 1;

  /**
   * With what was found.
   *
   * @param message one line that says what the logits hold
   */
  public NonFiniteLogitsException(String message) {
    super(message);
  }
}
