package org.medpruner.vlm;

/**
 * Receives progress; called on the working thread, must return quickly.
 *
 * <p>What it throws ends the call at once and reaches the caller: the way to cancel work before an
 * answer's first token, which an {@link AnswerListener} or an interrupt cannot. The model stays
 * usable; a conversation whose call was ended so is over.
 */
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
