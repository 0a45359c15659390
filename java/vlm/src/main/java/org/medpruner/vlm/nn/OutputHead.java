package org.medpruner.vlm.nn;

/** What turns a decoder's last hidden states into logits. */
public enum OutputHead {
  /** The embedding. */
  TIED,
  /** A weight of its own. */
  OWN,
  /** A weight of its own where the checkpoint has one, else the embedding. */
  AS_STORED;

  /**
   * What a configuration says, which has two places for it: transformers 4 goes by the text model's
   * and 5 by the whole model's. Where they differ, the weights tell which of the two saved them.
   *
   * @param modelTied {@code tie_word_embeddings} of the whole model
   * @param textTied {@code tie_word_embeddings} of the text model
   */
  public static OutputHead of(boolean modelTied, boolean textTied) {
    if (modelTied != textTied) {
      return AS_STORED;
    }
    return modelTied ? TIED : OWN;
  }
}
