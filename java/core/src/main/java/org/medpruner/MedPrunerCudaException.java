package org.medpruner;

/**
 * A CUDA runtime call failed; the contents of the call's outputs are undefined. Errors raised by an
 * earlier asynchronous call may surface here.
 */
public final class MedPrunerCudaException extends MedPrunerException {
  private static final long serialVersionUID = 1L;

  /** The {@code cudaError_t}; a part of the serialised form. */
  private final int code;

  /**
   * With CUDA's code and text.
   *
   * @param message one line: the call that failed and CUDA's text
   * @param code the {@code cudaError_t}
   */
  public MedPrunerCudaException(String message, int code) {
    super(message);
    this.code = code;
  }

  /** {@return the {@code cudaError_t} of the failure} */
  public int code() {
    return code;
  }
}
