package org.medpruner.testkit;

/**
 * Thrown by a target for a case it does not implement: a score, a pooling, a bound. The case is
 * reported as unsupported with this message, neither passed nor failed.
 */
public final class UnsupportedCaseException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * With what is not implemented.
   *
   * @param what a few words, {@code "only the softmax score"}
   */
  public UnsupportedCaseException(String what) {
    super(what);
  }
}
