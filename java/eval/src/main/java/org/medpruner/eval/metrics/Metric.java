package org.medpruner.eval.metrics;

/** What is measured of an answer. All values are fractions in [0, 1], except where said. */
public enum Metric {
  /** Closed questions: 1 for the right choice, else 0. */
  ACCURACY("accuracy"),
  /** 1 for equal normalised texts. The reference's counts words instead. */
  EXACT_MATCH("exact match"),
  /** Harmonic mean of token precision and recall. */
  F1("F1"),
  /** Share of the answer's words that are in the gold text. */
  PRECISION("precision"),
  /** Share of the gold text's words that are in the answer. */
  RECALL("recall"),
  /** F of unigrams. */
  ROUGE_1("ROUGE-1"),
  /** F of bigrams. */
  ROUGE_2("ROUGE-2"),
  /** F of the longest common subsequences, at the level of the whole text. */
  ROUGE_L("ROUGE-L"),
  /** Unigram precision with brevity penalty. */
  BLEU_1("BLEU-1"),
  /** Up to bigrams. */
  BLEU_2("BLEU-2"),
  /** Up to trigrams. */
  BLEU_3("BLEU-3"),
  /** Up to 4-grams. */
  BLEU_4("BLEU-4"),
  /** Aligned words, stems and WordNet synonyms; absent when WordNet is. */
  METEOR("METEOR");

  private final String label;

  Metric(String label) {
    this.label = label;
  }

  /** Name as the literature writes it. */
  public String label() {
    return label;
  }
}
