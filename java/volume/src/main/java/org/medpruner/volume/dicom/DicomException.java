package org.medpruner.volume.dicom;

/**
 * A DICOM file or folder cannot be used. The message is one line that says why and what to do. It
 * quotes no path and no text of a header, and there is no cause, for both may name the patient.
 */
public final class DicomException extends Exception {
  private static final long serialVersionUID = 1L;

  /** With a message. */
  public DicomException(String message) {
    super(message);
  }
}
