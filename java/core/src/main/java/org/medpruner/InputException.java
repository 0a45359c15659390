package org.medpruner;

import org.jspecify.annotations.Nullable;

/**
 * A file or folder given by the user cannot be used. The message is one line that names the file
 * and the fix; command lines turn it into exit code 2.
 */
public class InputException extends MedPrunerException {
  private static final long serialVersionUID = 1L;

  /**
   * With a message only.
   *
   * @param message one line that names the file and the fix, and nothing that may name a patient
   */
  public InputException(String message) {
    super(message);
  }

  /**
   * With a message and its cause.
   *
   * @param message one line that names the file and the fix, and nothing that may name a patient
   * @param cause what was caught, or null
   */
  public InputException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
