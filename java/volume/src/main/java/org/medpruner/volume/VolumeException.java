package org.medpruner.volume;

import org.jspecify.annotations.Nullable;

/**
 * A volume file or folder cannot be used. The message is one line that names the file and the fix;
 * command lines turn it into exit code 2.
 */
public class VolumeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * With a message only.
   *
   * @param message one line, "path: problem; fix"
   */
  public VolumeException(String message) {
    super(message);
  }

  /**
   * With a message and its cause.
   *
   * @param message one line, "path: problem; fix"
   * @param cause what was caught, or null
   */
  public VolumeException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
