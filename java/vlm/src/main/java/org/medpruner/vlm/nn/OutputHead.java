package org.medpruner.vlm.nn;

/** What turns a decoder's last hidden states into logits. */
public enum OutputHead {
  /**
   * The embedding, unless the checkpoint holds another head: one that was trained or merged apart,
   * under a configuration that was left as it was. transformers 5 does not tie such a head either.
   */
  TIED,
  /** A weight of its own. */
  OWN;

  /**
   * What a configuration says, which has two places for it: transformers 4 goes by the text model's
   * and 5 by the whole model's. Where they differ, the weights tell which of the two saved them, as
   * {@link #TIED} has it.
   *
   * @param modelTied {@code tie_word_embeddings} of the whole model
   * @param textTied {@code tie_word_embeddings} of the text model
   */
  public static OutputHead of(boolean modelTied, boolean textTied) {
    return modelTied || textTied ? TIED : OWN;
  }
}
