package org.medpruner.vlm;

/** What ended an answer. */
public enum Ending {
  /** One of the checkpoint's stop tokens, the last of the generated ones. */
  STOP_TOKEN,
  /** One of the caller's stop strings, which is cut off. */
  STOP_STRING,
  /** The greatest length, or the end of the model's context. */
  LENGTH,
  /** The listener, or an interrupt of the thread. */
  CANCELLED;

  /** {@return whether the answer is a whole one: a stop token or a stop string ended it} */
  public boolean complete() {
    return this == STOP_TOKEN || this == STOP_STRING;
  }
}
