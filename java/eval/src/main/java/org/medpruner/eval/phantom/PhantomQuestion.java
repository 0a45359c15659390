package org.medpruner.eval.phantom;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * A question with a known answer.
 *
 * @param kind what it asks for
 * @param text the question without choices
 * @param choices texts of the choices A, B, ...
 * @param answer index of the true choice
 */
public record PhantomQuestion(Kind kind, String text, List<String> choices, int answer) {
  /** What a question asks for; the number is M3D's question type. */
  public enum Kind {
    /** Whether an organ has a lesion. */
    PRESENCE(4),
    /** The organ of the only lesion. */
    ORGAN(3),
    /** The patient's side of the only lesion. */
    SIDE(5),
    /** How many lesions there are. */
    COUNT(4);

    private final int m3dType;

    Kind(int m3dType) {
      this.m3dType = m3dType;
    }

    /** M3D's question type: 3 organ, 4 abnormality, 5 location. */
    public int m3dType() {
      return m3dType;
    }

    /** As files say it, "presence". */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public PhantomQuestion {
    choices = List.copyOf(choices);
  }

  static PhantomQuestion presence(Organ organ, List<Organ> lesions) {
    return new PhantomQuestion(
        Kind.PRESENCE,
        "Is there a lesion in the " + organ.word() + "?",
        List.of("yes", "no"),
        lesions.contains(organ) ? 0 : 1);
  }

  static PhantomQuestion organ(Organ only) {
    return new PhantomQuestion(
        Kind.ORGAN,
        "Which organ contains the lesion?",
        Arrays.stream(Organ.values()).map(Organ::word).toList(),
        only.ordinal());
  }

  static PhantomQuestion side(Organ only) {
    return new PhantomQuestion(
        Kind.SIDE,
        "On which side of the patient is the lesion?",
        List.of(Organ.Side.LEFT.word(), Organ.Side.RIGHT.word()),
        only.side().ordinal());
  }

  static PhantomQuestion count(List<Organ> lesions) {
    return new PhantomQuestion(
        Kind.COUNT, "How many lesions are there?", List.of("0", "1", "2", "3"), lesions.size());
  }

  /** Every question that has an answer for a volume with lesions in these organs. */
  static List<PhantomQuestion> all(List<Organ> lesions) {
    List<PhantomQuestion> all = new ArrayList<>();
    for (Organ o : Organ.values()) {
      all.add(presence(o, lesions));
    }
    all.add(count(lesions));
    if (lesions.size() == 1) {
      all.add(organ(lesions.getFirst()));
      all.add(side(lesions.getFirst()));
    }
    return all;
  }

  /** The question with its choices, as M3D writes them: " Choices: A. yes B. no". */
  public String withChoices() {
    StringBuilder s = new StringBuilder(text).append(" Choices:");
    for (int i = 0; i < choices.size(); i++) {
      s.append(' ').append((char) ('A' + i)).append(". ").append(choices.get(i));
    }
    return s.toString();
  }

  /** Letter of the true choice. */
  public String letter() {
    return String.valueOf((char) ('A' + answer));
  }

  /** Text of the true choice. */
  public String answerText() {
    return choices.get(answer);
  }
}
