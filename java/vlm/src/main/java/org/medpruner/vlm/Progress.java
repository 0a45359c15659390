package org.medpruner.vlm;

/**
 * Receives progress; called on the working thread, must return quickly.
 *
 * <p>What it throws ends the call at once and reaches the caller: the way to cancel work before an
 * answer's first token, which an {@link AnswerListener} or an interrupt cannot. The model stays
 * usable; a conversation whose call was ended so is over.
 */
public interface Progress {
  /** A volume is read; sent by what reads it for the model. */
  String READ = "read";

  /** A model is loaded, in tensors. */
  String LOAD = "load";

  /** Stage 1 looks at the slices. */
  String ANCHOR = "anchor";

  /** The vision encoder sees slices. */
  String ENCODE = "encode";

  /** Stage 2; its last is sent where the volume's tokens are about to be handed over. */
  String PRUNE = "prune";

  /** The language model takes the prompt, in tokens. */
  String PREFILL = "prefill";

  /** The answer is generated, in tokens. */
  String DECODE = "decode";

  /** Ignores everything. */
  Progress NONE = (stage, done, total) -> {};

  /**
   * Some work is done.
   *
   * @param stage one of the constants above, under which a report's timings are too; programs may
   *     have further ones of their own work
   * @param done units finished
   * @param total units in all
   */
  void update(String stage, long done, long total);
}
