package org.medpruner;

import org.jspecify.annotations.Nullable;

/**
 * The native library, or the backend a tensor names, cannot be used here. The message lists what
 * was tried. {@link MedPruner#status()} and {@link MedPruner#cudaStatus()} say the same without
 * throwing.
 */
public final class MedPrunerUnavailableException extends MedPrunerException {
  private static final long serialVersionUID = 1L;

  /** With a message only. */
  public MedPrunerUnavailableException(String message) {
    super(message);
  }

  /** With a message and its cause. */
  public MedPrunerUnavailableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
