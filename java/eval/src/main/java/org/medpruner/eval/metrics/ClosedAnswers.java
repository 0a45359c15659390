package org.medpruner.eval.metrics;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Which choice an answer to a closed question names, and whether it is the right one. */
public final class ClosedAnswers {
  private static final Pattern REFERENCE = Pattern.compile("^([a-d])[.):]?");

  private static final int CASE = Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE;

  private static final String OPENING = "[\\s*_`\"'(\\[]*";
  private static final String CLOSING = "[*_`\"')\\]]*";

  /** A letter at the very beginning, and the text that may follow it. */
  private static final Pattern LEADING =
      Pattern.compile(
          "^(?<open>"
              + OPENING
              + ")(?<letter>\\p{Alpha})(?<close>"
              + CLOSING
              + "[.):]?"
              + CLOSING
              + ")(?<rest>\\s.*|$|.*)",
          Pattern.DOTALL);

  /**
   * What follows a mark without a space, "D.No Abnormality": a word or a number. One letter may be
   * the next of an abbreviation, as in "D.C.".
   */
  private static final Pattern WORD = Pattern.compile("^(?:\\p{L}{2}|\\d)");

  /** What joins a choice to the one before it. */
  private static final String JOINT = "(?:(?:[,;/&]|\\b(?i:and|or)\\b)\\s*)+";

  /** What offers another choice and explains none: "or", "/", "and/or". */
  private static final Pattern ALTERNATIVE =
      Pattern.compile("^[*_`\"')\\]\\s,;&]*(?:\\b(?i:and)\\b\\s*)?(?:/|\\b(?i:or)\\b)");

  /** Begins what is said of a choice. */
  private static final String VERB =
      "(?i:is|are|was|were|can|cannot|could|would|does|has|may|might|being)\\b";

  /** Behind a letter that is spoken of and not given: " is wrong", but not " is the right one". */
  private static final Pattern SPOKEN_OF =
      Pattern.compile(
          "^(?:\\s+"
              + VERB
              + "(?!\\s+(?:be\\s+)?(?:the\\s+)?(?i:right|correct|true|best|most|answer)\\b)"
              + "|,?\\s+which\\s+(?:is|was)\\s+(?:not|wrong|incorrect|false)\\b)");

  /**
   * A letter behind another that it is listed with: "or B", ", B", "and (B)". What is said of it is
   * no list: "and B is wrong".
   */
  private static final Pattern LISTED =
      Pattern.compile(
          "^[*_`\"')\\]\\s]*"
              + JOINT
              + "(?:(?i:option|choice)\\s+)?"
              + OPENING
              + "(?<letter>\\p{Alpha})(?<close>"
              + CLOSING
              + "[.):]?"
              + CLOSING
              + ")(?![\\p{L}\\p{Nd}+-])"
              + "(?!\\s+"
              + VERB
              + ")");

  /** The same of a text: " or spleen". */
  private static final Pattern LISTED_TEXT =
      Pattern.compile("^[*_`\"')\\]\\s]*" + JOINT + "(?<what>.*)");

  /** Where the text of a choice ends before more is said; "2.5" and "1,000" go on. */
  private static final Pattern TEXT_END = Pattern.compile("[.,;](?!\\d)|[/&]|\\b(?i:and|or)\\b");

  /** A letter marked within a line: the "B." of "A. Yes B. No", not that of "hepatitis B". */
  private static final Pattern MARK =
      Pattern.compile(
          "(?<![\\p{L}\\p{Nd}])(?<!\\b[Nn]ot\\s)[*_`\"'(\\[]*(?<letter>\\p{Alpha})"
              + CLOSING
              + "[.):]"
              + CLOSING);

  /**
   * Looks ahead only, so that a second phrase in the same line is found too. "If the answer is" and
   * "the other answer is" give none.
   */
  private static final Pattern PHRASE =
      Pattern.compile(
          "(?<!\\b(?:if|unless|whether|other|another|wrong|incorrect)\\s{1,2}"
              + "(?:the\\s{1,2})?(?:(?:correct|right|other)\\s{1,2})?)"
              + "\\b(?:(?:answer|option|choice)(?:\\s+is|\\s*:)"
              + "|answer\\s*(?:[-\\u2013\\u2014]|(?=\\(\\s*\\p{Alpha}\\s*\\))))"
              + "(?:\\s+(?:option|choice))?\\s*:?\\s*(?=(?<what>[^\\n]*))",
          Pattern.CASE_INSENSITIVE);

  /**
   * Weaker than a phrase, and at the beginning of a line alone: "Option A is wrong" is no answer.
   */
  private static final Pattern OPTION =
      Pattern.compile(
          "^" + OPENING + "(?i:option|choice)\\s+(?=" + OPENING + "\\p{Lu})(?=(?<what>[^\\n]*))",
          Pattern.MULTILINE);

  private ClosedAnswers() {}

  /** Whether the reference counts the answer as right. */
  public static boolean referenceCorrect(String answer, String gold) {
    return reference(answer).equals(reference(gold));
  }

  /**
   * The reference's parser: the first letter of any text that begins with a to d, else the whole
   * text, in lower case.
   */
  static String reference(String text) {
    String s = PythonText.strip(PythonText.lower(text));
    Matcher m = REFERENCE.matcher(s);
    return m.find() ? m.group(1) : s;
  }

  /**
   * Whether the answer names the gold choice and no other. Where the gold text names no choice, the
   * normalised texts must be equal.
   *
   * @param choices upper-case letter to text; empty when they are not known
   */
  public static boolean strictCorrect(String answer, String gold, Map<String, String> choices) {
    Character right = strict(gold, choices);
    if (right == null) {
      return !answer.isBlank() && WordNormalizer.strict(answer).equals(WordNormalizer.strict(gold));
    }
    Character given = strict(answer, choices);
    if (given != null) {
      return given.equals(right);
    }
    // Without the choices, the text behind the gold letter is all that is known of them.
    Matcher m = LEADING.matcher(gold.strip());
    return choices.isEmpty() && m.matches() && sameText(answer, m.group("rest"));
  }

  /**
   * The choice an answer names: a letter alone, in brackets, in emphasis, or followed by a period,
   * a bracket or a colon, with or without a space behind it; the same on a line of its own before
   * an explanation that names no other; a letter or a choice's text after an explicit "answer is";
   * "Option B"; or the text of exactly one choice. Null when it names none, or several: in
   * different phrases or lines, in a list such as "A or B", or as the choices themselves, "A. Yes
   * B. No". Behind a letter with its own text only "or" lists: "C. Both, left and right" is C.
   *
   * @param choices as in {@link #strictCorrect}; without any the letters are A to D
   * @return an upper-case letter
   */
  public static @Nullable Character strict(String answer, Map<String, String> choices) {
    String s = answer.strip();
    Character letter = leadingLetter(s, choices);
    if (letter != null) {
      return contradicted(s, letter, choices) ? null : letter;
    }
    Set<Character> named = new TreeSet<>();
    addPhrases(named, s, choices);
    if (named.isEmpty()) {
      named = afterOption(s, choices);
    }
    if (!named.isEmpty()) {
      return named.size() == 1 ? named.iterator().next() : null;
    }
    return choiceOfText(s, choices);
  }

  /**
   * What follows "answer is" and the like.
   *
   * @param named choices given so far, to which these are added
   */
  private static void addPhrases(Set<Character> named, String s, Map<String, String> choices) {
    Matcher phrase = PHRASE.matcher(s);
    while (phrase.find()) {
      String what = phrase.group("what");
      // Once a choice is given, "Option: A is wrong" takes it back as little as "and A is wrong".
      boolean aside = !named.isEmpty() && SPOKEN_OF.matcher(behindLetter(what.strip())).find();
      if (!aside) {
        named.addAll(afterPhrase(what, choices));
      }
    }
  }

  private static Set<Character> afterOption(String s, Map<String, String> choices) {
    Set<Character> named = new TreeSet<>();
    Matcher option = OPTION.matcher(s);
    while (option.find()) {
      String what = option.group("what").strip();
      Character letter = leadingLetter(what, choices);
      if (letter != null) {
        named.add(letter);
        named.addAll(besides(behindLetter(what), letter, choices));
      }
    }
    return named;
  }

  /** The letter a text begins with, where what follows shows that it is one and not a word. */
  private static @Nullable Character leadingLetter(String s, Map<String, String> choices) {
    Matcher m = LEADING.matcher(s);
    if (!m.matches()) {
      return null;
    }
    char letter = Character.toUpperCase(m.group("letter").charAt(0));
    if (!offered(letter, choices)) {
      return null;
    }
    String rest = m.group("rest");
    boolean alone = onOwnLine(rest);
    String close = m.group("close");
    boolean marked =
        !close.isEmpty()
            && (alone
                || Character.isWhitespace(rest.charAt(0))
                || (close.matches(".*[.):].*") && WORD.matcher(rest).find()));
    return alone || marked || isItsText(rest, letter, choices) ? letter : null;
  }

  /** Whether nothing stands behind a letter in its line. */
  private static boolean onOwnLine(String rest) {
    return rest.lines().findFirst().orElse("").isBlank();
  }

  /** Whether what follows a leading letter names another choice: "B", then "A" or "or A". */
  private static boolean contradicted(String s, char letter, Map<String, String> choices) {
    String rest = behindLetter(s);
    Set<Character> named = new TreeSet<>(Set.of(letter));
    addPhrases(named, rest, choices);
    List<String> lines = rest.lines().map(String::strip).toList();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (i == 0) {
        named.addAll(besides(line, letter, choices));
        continue;
      }
      named.addAll(marked(line, choices));
      Matcher m = LEADING.matcher(line);
      if (m.matches()) {
        char other = Character.toUpperCase(m.group("letter").charAt(0));
        String of = m.group("rest");
        if (offered(other, choices) && (of.isBlank() || isItsText(of, other, choices))) {
          named.add(other);
        }
      }
      Character text = choiceOfText(line, choices);
      if (text != null) {
        named.add(text);
      }
    }
    named.remove(letter);
    return !named.isEmpty();
  }

  /** What follows the letter that a text begins with. */
  private static String behindLetter(String s) {
    Matcher m = LEADING.matcher(s);
    return m.matches() ? m.group("rest") : "";
  }

  /**
   * Choices that a line names besides the letter it begins with.
   *
   * @param rest what follows the letter
   */
  private static Set<Character> besides(String rest, char letter, Map<String, String> choices) {
    Set<Character> named = marked(rest, choices);
    // A choice's own text may read like a list, "D. A and B", and the parts of what it names may
    // follow: "C. Both, left and right".
    String behind = withoutItsText(rest, letter, choices);
    if (behind.equals(rest) || ALTERNATIVE.matcher(behind).find()) {
      named.addAll(listed(behind, choices));
    }
    named.remove(letter);
    return named;
  }

  /** Marks with the whole text of their choice behind them, up to the next mark: "B. No". */
  private static Set<Character> marked(String line, Map<String, String> choices) {
    Set<Character> named = new TreeSet<>();
    List<MatchResult> marks =
        MARK.matcher(line).results().filter(m -> offered(letterOf(m), choices)).toList();
    for (int i = 0; i < marks.size(); i++) {
      int end = i + 1 < marks.size() ? marks.get(i + 1).start() : line.length();
      String text = line.substring(marks.get(i).end(), end).replaceFirst("\\s*" + JOINT + "$", "");
      if (isItsText(text, letterOf(marks.get(i)), choices)) {
        named.add(letterOf(marks.get(i)));
      }
    }
    return named;
  }

  private static char letterOf(MatchResult mark) {
    return Character.toUpperCase(mark.group("letter").charAt(0));
  }

  /** The choice that follows "or", a comma and the like at the very beginning of a text. */
  private static Set<Character> listed(String behind, Map<String, String> choices) {
    Set<Character> named = new TreeSet<>();
    Matcher m = LISTED.matcher(behind);
    if (m.find()) {
      char letter = m.group("letter").charAt(0);
      // "No, a lesion": a small letter without a mark is an article.
      boolean letterAlone = Character.isUpperCase(letter) || m.group("close").matches(".*[.):].*");
      if (letterAlone && offered(Character.toUpperCase(letter), choices)) {
        named.add(Character.toUpperCase(letter));
      }
    }
    Matcher t = LISTED_TEXT.matcher(behind);
    if (t.find()) {
      String what = t.group("what");
      Character choice = choiceOfText(what, choices);
      choice = choice != null ? choice : choiceOfText(TEXT_END.split(what, 2)[0], choices);
      if (choice != null) {
        named.add(choice);
      }
    }
    return named;
  }

  private static String withoutItsText(String rest, char letter, Map<String, String> choices) {
    String text = choices.getOrDefault(String.valueOf(letter), "").strip();
    Matcher own =
        Pattern.compile("^[\\s*_`:,]*" + Pattern.quote(text) + "(?![\\p{L}\\p{Nd}])", CASE)
            .matcher(rest);
    return !text.isEmpty() && own.find() ? rest.substring(own.end()) : rest;
  }

  private static boolean isItsText(String rest, char letter, Map<String, String> choices) {
    return sameText(rest, choices.getOrDefault(String.valueOf(letter), ""));
  }

  private static Set<Character> afterPhrase(String what, Map<String, String> choices) {
    Character letter = leadingLetter(what.strip(), choices);
    if (letter == null) {
      letter = capital(what, choices);
    }
    Set<Character> named = new TreeSet<>();
    if (letter != null) {
      named.add(letter);
      named.addAll(besides(behindLetter(what.strip()), letter, choices));
      return named;
    }
    Character whole = choiceOfText(what, choices);
    if (whole != null) {
      named.add(whole);
      return named;
    }
    String first = what.split("[.,;](?!\\d)", 2)[0];
    Character text = choiceOfText(first, choices);
    if (text != null) {
      named.add(text);
      named.addAll(listed(what.substring(first.length()), choices));
    }
    return named;
  }

  /** "The answer is B because ...": a capital in the middle of a sentence is no article. */
  private static @Nullable Character capital(String what, Map<String, String> choices) {
    Matcher m = LEADING.matcher(what);
    if (!m.matches() || !Character.isUpperCase(m.group("letter").charAt(0))) {
      return null;
    }
    String rest = m.group("rest");
    char named = m.group("letter").charAt(0);
    boolean ends = rest.isEmpty() || !Character.isLetterOrDigit(rest.charAt(0));
    return ends && offered(named, choices) ? named : null;
  }

  private static @Nullable Character choiceOfText(String text, Map<String, String> choices) {
    Character found = null;
    for (Map.Entry<String, String> choice : choices.entrySet()) {
      if (sameText(text, choice.getValue())) {
        if (found != null) {
          return null;
        }
        found = choice.getKey().charAt(0);
      }
    }
    return found;
  }

  private static boolean offered(char letter, Map<String, String> choices) {
    return choices.isEmpty()
        ? letter >= 'A' && letter <= 'D'
        : choices.containsKey(String.valueOf(letter));
  }

  /** Equal after normalisation; a text without words equals none. */
  private static boolean sameText(String text, String choice) {
    String a = plain(text);
    return !a.isEmpty() && a.equals(plain(choice));
  }

  private static String plain(String text) {
    return WordNormalizer.strict(text.replaceAll("[*_`:]", " "));
  }
}
