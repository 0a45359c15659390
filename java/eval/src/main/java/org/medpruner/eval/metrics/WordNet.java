package org.medpruner.eval.metrics;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import net.sf.extjwnl.JWNLException;
import net.sf.extjwnl.JWNLRuntimeException;
import net.sf.extjwnl.data.Exc;
import net.sf.extjwnl.data.IndexWord;
import net.sf.extjwnl.data.POS;
import net.sf.extjwnl.data.Synset;
import net.sf.extjwnl.data.Word;
import net.sf.extjwnl.dictionary.Dictionary;

/**
 * Synonyms of WordNet 3.0 as nltk's {@code wordnet.synsets} finds them: its own search for base
 * forms, all parts of speech, single words as the database spells them. Safe for use by several
 * threads.
 */
final class WordNet implements Synonyms {
  /** In the data artifact. */
  static final String RESOURCE = "/extjwnl_resource_properties.xml";

  /** Suffixes and what replaces them, of the parts of speech that have any. */
  private static final Map<POS, List<List<String>>> ENDINGS =
      Map.of(
          POS.NOUN,
          pairs(
              "s", "", "ses", "s", "ves", "f", "xes", "x", "zes", "z", "ches", "ch", "shes", "sh",
              "men", "man", "ies", "y"),
          POS.VERB,
          pairs(
              "s", "", "ies", "y", "es", "e", "es", "", "ed", "e", "ed", "", "ing", "e", "ing", ""),
          POS.ADJECTIVE,
          pairs("er", "", "est", "", "er", "e", "est", "e"),
          POS.ADVERB,
          List.of());

  private final Dictionary dictionary;
  private final Map<String, Set<String>> known = new ConcurrentHashMap<>();

  private WordNet(Dictionary dictionary) {
    this.dictionary = dictionary;
  }

  /** METEOR with the WordNet that a resource describes, or without any and why. */
  static Meteor load(String resource) {
    if (Dictionary.class.getResource(resource) == null) {
      return Meteor.unavailable(
          "METEOR needs WordNet 3.0: artifact extjwnl-data-wn30 is not on the class path");
    }
    try {
      return new Meteor(open(resource));
    } catch (JWNLException | JWNLRuntimeException | LinkageError e) {
      return Meteor.unavailable(
          "METEOR needs WordNet 3.0, which cannot be read: " + e.getMessage());
    }
  }

  static WordNet open() throws JWNLException {
    return open(RESOURCE);
  }

  private static WordNet open(String resource) throws JWNLException {
    return new WordNet(Dictionary.getResourceInstance(resource));
  }

  private static List<List<String>> pairs(String... flat) {
    List<List<String>> pairs = new ArrayList<>();
    for (int i = 0; i < flat.length; i += 2) {
      pairs.add(List.of(flat[i], flat[i + 1]));
    }
    return pairs;
  }

  @Override
  public Set<String> of(String word) {
    return known.computeIfAbsent(word, this::look);
  }

  /** One look-up at a time: the library does not promise to be safe for several. */
  private synchronized Set<String> look(String word) {
    // The library trims what it looks up, "\nliver" would find "liver"; nltk finds nothing.
    if (word.codePoints().anyMatch(PythonText::isSpace)) {
      return Set.of();
    }
    Set<String> synonyms = new HashSet<>();
    try {
      for (POS pos : ENDINGS.keySet()) {
        for (IndexWord form : baseForms(word, pos)) {
          for (Synset synset : form.getSenses()) {
            for (Word w : synset.getWords()) {
              synonyms.add(w.getLemma());
            }
          }
        }
      }
    } catch (JWNLException e) {
      throw new IllegalStateException("WordNet could not be read for \"" + word + "\"", e);
    }
    synonyms.removeIf(s -> s.indexOf(' ') >= 0 || s.indexOf('_') >= 0);
    return Set.copyOf(synonyms);
  }

  /** nltk's {@code _morphy}: irregular forms alone, else endings removed until some form exists. */
  private List<IndexWord> baseForms(String word, POS pos) throws JWNLException {
    Exc irregular = dictionary.getException(pos, word);
    if (irregular != null) {
      Set<String> forms = new LinkedHashSet<>(List.of(word));
      forms.addAll(irregular.getExceptions());
      return existing(forms, pos);
    }
    Set<String> shorter = shortened(Set.of(word), pos);
    Set<String> forms = new LinkedHashSet<>(List.of(word));
    forms.addAll(shorter);
    List<IndexWord> found = existing(forms, pos);
    while (found.isEmpty() && !shorter.isEmpty()) {
      shorter = shortened(shorter, pos);
      found = existing(shorter, pos);
    }
    return found;
  }

  private static Set<String> shortened(Set<String> forms, POS pos) {
    Set<String> shorter = new LinkedHashSet<>();
    for (String form : forms) {
      for (List<String> ending : ENDINGS.getOrDefault(pos, List.of())) {
        String suffix = ending.get(0);
        if (form.endsWith(suffix)) {
          shorter.add(form.substring(0, form.length() - suffix.length()) + ending.get(1));
        }
      }
    }
    return shorter;
  }

  private List<IndexWord> existing(Set<String> forms, POS pos) throws JWNLException {
    List<IndexWord> found = new ArrayList<>();
    for (String form : forms) {
      IndexWord entry = form.isEmpty() ? null : dictionary.getIndexWord(pos, form);
      if (entry != null) {
        found.add(entry);
      }
    }
    return found;
  }
}
