package org.medpruner.vlm.nn;

import org.medpruner.MedPrunerException;

/** What LibTorch throws: its messages have the frames of its own stack below their first line. */
public final class TorchFailures {
  private TorchFailures() {}

  /**
   * One of LibTorch's as MedPruner's, with the first line alone and the given one behind it; any
   * other, which a caller's own code may have thrown, as it is.
   */
  public static RuntimeException told(RuntimeException e) {
    return isTorchs(e) ? new MedPrunerException(line(e), e) : e;
  }

  /** The first line of a message, or what the exception is called. */
  public static String line(Throwable e) {
    String message = e.getMessage() == null ? "" : e.getMessage();
    return message.lines().findFirst().orElse(e.getClass().getSimpleName());
  }

  /** JavaCPP throws a C++ exception out of the native method, as no class of its own. */
  private static boolean isTorchs(RuntimeException e) {
    StackTraceElement[] trace = e.getStackTrace();
    return e.getClass() == RuntimeException.class
        && trace.length > 0
        && trace[0].isNativeMethod()
        && trace[0].getClassName().startsWith("org.bytedeco.");
  }
}
