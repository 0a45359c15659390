package org.medpruner;

/** Host or device memory ran out in an allocation; nothing was allocated. */
public final class MedPrunerOutOfMemoryException extends MedPrunerException {
  private static final long serialVersionUID = 1L;

  /**
   * With a message only.
   *
   * @param message one line: how many bytes of which memory were asked for
   */
  public MedPrunerOutOfMemoryException(String message) {
    super(message);
  }
}
