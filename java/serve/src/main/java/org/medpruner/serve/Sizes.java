package org.medpruner.serve;

/** Sizes in words. */
final class Sizes {
  private Sizes() {}

  /** "64 MiB", or bytes where it is less than one. */
  static String text(long bytes) {
    return bytes < 1 << 20 ? bytes + " bytes" : (bytes >> 20) + " MiB";
  }
}
