package org.medpruner.eval.metrics;

import java.util.Set;

/** A thesaurus of single words. */
@FunctionalInterface
interface Synonyms {
  /** No word has a synonym. */
  Synonyms NONE = word -> Set.of();

  /** The lower-case word's synonyms in any sense and part of speech; may hold the word itself. */
  Set<String> of(String word);
}
