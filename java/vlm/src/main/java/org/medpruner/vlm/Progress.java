package org.medpruner.vlm;

/** Receives progress; called on the working thread, must return quickly. */
public interface Progress {
  /** Ignores everything. */
  Progress NONE = (stage, done, total) -> {};

  /**
   * Some work is done.
   *
   * @param stage "load", "anchor", "encode", "prune", "prefill" or "decode"
   * @param done units finished
   * @param total units in all, or -1 when unknown
   */
  void update(String stage, long done, long total);
}
