package org.medpruner;

import org.jspecify.annotations.Nullable;

/** Base of the library's unchecked exceptions. The message is one line and names what to fix. */
public class MedPrunerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * With a message only.
   *
   * @param message one line that names what to fix
   */
  public MedPrunerException(String message) {
    super(message);
  }

  /**
   * With a message and its cause.
   *
   * @param message one line that names what to fix
   * @param cause what was caught, or null
   */
  public MedPrunerException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
