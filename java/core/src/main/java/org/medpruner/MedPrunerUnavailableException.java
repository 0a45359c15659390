package org.medpruner;

import org.jspecify.annotations.Nullable;

/**
 * The native library, or the backend a tensor names, cannot be used here. The message lists what
 * was tried. {@link MedPruner#status()} and {@link MedPruner#cudaStatus()} say the same without
 * throwing.
 */
public final class MedPrunerUnavailableException extends MedPrunerException {
  private static final long serialVersionUID = 1L;

  /**
   * With a message only.
   *
   * @param message what was tried and why it failed
   */
  public MedPrunerUnavailableException(String message) {
    super(message);
  }

  /**
   * With a message and its cause.
   *
   * @param message what was tried and why it failed
   * @param cause of the first attempt that threw, or null
   */
  public MedPrunerUnavailableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
