package org.medpruner.eval.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ClosedAnswersTest {
  private static final Map<String, String> YES_NO = Map.of("A", "Yes", "B", "No");
  private static final Map<String, String> ORGANS =
      Map.of("A", "Left kidney", "B", "Right kidney", "C", "Liver", "D", "a spleen", "E", "Aorta");

  @Test
  void theReferencesParserIsTheReferences() {
    Goldens.ROOT
        .get("closed")
        .properties()
        .forEach(
            e ->
                assertEquals(
                    e.getValue().asText(), ClosedAnswers.reference(e.getKey()), e.getKey()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "B | B",
        "B. | B",
        "B) No | B",
        "b. no | B",
        "b | B",
        "(C) | C",
        "**B** | B",
        "*b* | B",
        "`D` | D",
        "[A] | A",
        "\"A\" | A",
        "B: the right one | B",
        "**B.** No | B",
        "A.Yes | A",
        "A.Yes, there is. | A",
        "B.No, it does not. | B",
        "B)No, it does not | B",
        "**B.**No, it does not | B",
        "D.No Abnormality | D",
        "B.2 lesions are seen | B",
        "The answer is D.No Abnormality | D",
        "The answer is B | B",
        "the answer is b. | B",
        "Answer: C | C",
        "answer:c | C",
        "Based on the CT, the answer is A | A",
        "The correct option is (D). | D",
        "The answer is **B**, since the lung is clear | B",
        "The answer is A because of it | A",
        "The final answer is: B | B",
        "Yes | A",
        "yes. | A",
        "**No** | B",
        "The answer is no. | B",
        "Answer: Yes, clearly | A",
        "B No | B",
        "The answer is option B | B",
        "B\\n\\nThe lesion is in the right lung. | B",
        "B\\nExplanation: the right side is clear. | B",
        "B.\\n\\nExplanation | B",
        "**B**\\r\\nA is wrong because of the contrast. | B",
        "B\\n\\nThe answer is B, not A. | B",
        "B\\nNo | B",
        "Option B | B",
        "**Option B**: No | B",
        "Choice D | D",
        "option C.\\nIt is seen. | C",
        "The answer is A. Option B is wrong. | A",
        "Answer (C) | C",
        "Answer - C | C",
        "Answer \u2013 option C | C",
        "A. Yes. There is no lesion in the liver. | A",
        "A. Yes, no doubt | A",
        "B. No, a lesion is not seen | B",
        "A. Yes. Not B. No. | A",
        "A. Yes, and B is wrong | A",
        "A. Yes, as in hepatitis B. It is seen. | A",
        "A. Yes\\n\\nOption B is wrong. | A",
        "A. Yes\\nB. No is wrong, since a lesion is seen | A",
        "B. No\\nA. Yes would need a lesion. | B",
        "A. Yes\\nNo other lesion is seen. | A",
        "A. Yes\\n\\nThe answer is A. | A",
        "The answer is A, not B | A",
        "The answer is A, and B is wrong | A",
        "The answer is A; B is wrong | A",
        "The answer is B, a lesion is not seen | B",
        "The answer is A, yes | A",
        "Answer: No, no lesion | B",
        "Answer: Yes. No other lesion is seen. | A",
        "Option A: Yes\\nOption B is wrong. | A",
      })
  void strictAcceptsLettersAndTextsOfChoices(String line, char choice) {
    String answer = line.translateEscapes();
    Map<String, String> choices =
        choice > 'B' ? Map.of("A", "Yes", "B", "No", "C", "Maybe", "D", "Never") : YES_NO;
    assertEquals(choice, ClosedAnswers.strict(answer, choices), answer);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Aorta",
        "Both lungs",
        "dense",
        "Based on the CT",
        "a small nodule",
        "A small nodule",
        "E",
        "",
        "   ",
        "C",
        "The answer is not A",
        "The answer is a nodule",
        "B or A",
        "A-B",
        "Answer: A\nAnswer: B",
        "The answer is A. The answer is B.",
        "Yes and no",
        "maybe",
        "D.C. area",
        "A.M. and P.M.",
        "b.i.d",
        "A-scan",
        "**A**orta",
        "The answer is unclear",
        "B\nA",
        "B\n\n(A)",
        "B.\nA.",
        "B\nThe answer is A",
        "B.\n\nThe answer is A",
        "B\nA. Yes",
        "B\nYes",
        "A\nIt is so.\nAnswer: A\nAnswer: B",
        "Option",
        "Options A and B",
        "option a",
        "Option A is wrong",
        "It is not option B.",
        "Option A\nOption B",
        "Choice E",
        "Answer (A nodule is seen)",
        "answer-based",
        "Answers (A)",
        "A. Yes\nB. No\nThe answer is B",
        "A. Yes\nB. No",
        "A. Yes\n\nB. No",
        "A. Yes B. No",
        "A.Yes B.No",
        "a) yes b) no",
        "A: Yes, B: No",
        "A. Yes or B. No",
        "**A. Yes**\n**B. No**",
        "A. Yes\nThe answer is B",
        "A. Yes\nB",
        "A. Yes\nNo",
        "A. Yes/No",
        "The answer is A or B",
        "The answer is A or B.",
        "The answer is A or B, both are seen",
        "The answer is A. Yes or B. No",
        "The answer is A or no",
        "The answer is **A** or **B**",
        "The answer is option A or option B",
        "Answer: A, B",
        "Answer: A and B",
        "Answer: A/B",
        "Answer: A & B",
        "Answer: yes, no",
        "A) or B)",
        "A. or B.",
        "(A) and (B)",
        "(a) and (b)",
        "Option A. or B.",
        "Option A: Yes. Option B: No",
      })
  void strictAcceptsNothingElse(String answer) {
    assertNull(ClosedAnswers.strict(answer, YES_NO), answer);
  }

  @Test
  void theSameAnswerTwiceIsOneAnswer() {
    assertEquals('A', ClosedAnswers.strict("I think so.\nAnswer: A\nAnswer: A", YES_NO));
  }

  @Test
  void theTextOfAChoiceCountsOnlyWhenItIsOneChoices() {
    assertEquals('E', ClosedAnswers.strict("Aorta", ORGANS));
    assertEquals('D', ClosedAnswers.strict("The spleen.", ORGANS));
    assertNull(ClosedAnswers.strict("kidney", ORGANS));
    assertNull(ClosedAnswers.strict("Liver", Map.of("A", "liver", "B", "Liver.")));
    assertNull(ClosedAnswers.strict("-", Map.of("A", "Yes", "B", "No", "C", "-", "D", "-")));
  }

  @Test
  void aListOfChoicesNamesNone() {
    for (String answer :
        List.of(
            "C. liver and D. spleen",
            "C. Liver\nD. spleen",
            "C. Liver\nA. Left kidney B. Right kidney",
            "The answer is C or D",
            "The answer is C, D or E",
            "Answer: liver, spleen",
            "Answer: liver, and the spleen.",
            "Answer: liver/spleen",
            "A. Left kidney B. Right kidney C. Liver D. a spleen E. Aorta")) {
      assertNull(ClosedAnswers.strict(answer, ORGANS), answer);
    }
    for (String answer :
        List.of(
            "C. Liver, D is normal",
            "C. Liver. The spleen is normal.",
            "C. Liver, segment D-shaped",
            "C. Liver\nSpleen: normal",
            "Answer: liver, not spleen",
            "Answer: liver, spleen is normal",
            "The answer is C, with hepatitis B")) {
      assertEquals('C', ClosedAnswers.strict(answer, ORGANS), answer);
    }
    Map<String, String> counts = Map.of("A", "0", "B", "1", "C", "2", "D", "3");
    assertNull(ClosedAnswers.strict("The answer is 2, 3", counts));
    assertNull(ClosedAnswers.strict("The answer is 1 or 2", counts));
    assertEquals('C', ClosedAnswers.strict("The answer is 2, one on each side", counts));
  }

  /** The text of a choice may itself read like a list, or like a mark. */
  @Test
  void theOwnTextOfAChoiceIsNoOtherChoice() {
    Map<String, String> lists =
        Map.of("A", "vitamin C.", "B", "none", "C", "C+ phase", "D", "A and B", "E", "A or none");
    for (String choice : List.of("A. vitamin C.", "A. Vitamin C", "The answer is A. vitamin C.")) {
      assertEquals('A', ClosedAnswers.strict(choice, lists), choice);
    }
    for (String choice : List.of("D. A and B", "The answer is D. A and B", "Answer: D, A and B")) {
      assertEquals('D', ClosedAnswers.strict(choice, lists), choice);
    }
    assertEquals('E', ClosedAnswers.strict("E. A or none", lists));
    assertEquals('C', ClosedAnswers.strict("The answer is C, C+ phase", lists));
    assertNull(ClosedAnswers.strict("A. vitamin C. B. none", lists));
  }

  /** What a choice stands for may be named behind it; only "or" and "/" offer another. */
  @Test
  void aChoiceMayNameItsParts() {
    Map<String, String> sides = Map.of("A", "Left", "B", "Right", "C", "Bilateral", "D", "None");
    Map<String, String> organs = Map.of("A", "Liver", "B", "Kidney", "C", "Both", "D", "None");
    for (String answer :
        List.of(
            "C. Bilateral, left and right",
            "C. Bilateral (left and right)",
            "C. Bilateral, right and left lungs",
            "C) Bilateral; right, left",
            "C. Bilateral\nLeft and right are affected.",
            "The answer is C. Bilateral, left and right.",
            "Option C: Bilateral, left and right")) {
      assertEquals('C', ClosedAnswers.strict(answer, sides), answer);
    }
    for (String answer :
        List.of(
            "C. Both, liver and kidney.",
            "C. Both: liver and kidney",
            "C. Both, liver & kidney",
            "C. Both, A and B",
            "C. Both (A and B)")) {
      assertEquals('C', ClosedAnswers.strict(answer, organs), answer);
    }
    Map<String, String> all =
        Map.of("A", "All of the above", "B", "Liver", "C", "Spleen", "D", "Kidney");
    for (String answer :
        List.of(
            "A. All of the above, B, C and D",
            "A. All of the above: B, C and D",
            "A. All of the above, liver, spleen and kidney")) {
      assertEquals('A', ClosedAnswers.strict(answer, all), answer);
    }
    for (String answer :
        List.of(
            "C, left and right",
            "A. Left or right",
            "A. Left, or B",
            "A. Left/right",
            "A. Left and/or right",
            "A. Left and B. Right",
            "The answer is A. Left or right")) {
      assertNull(ClosedAnswers.strict(answer, sides), answer);
    }
  }

  /** What is said of a choice, or supposed of it, gives none. */
  @Test
  void anotherChoiceMayBeSpokenOf() {
    for (String answer :
        List.of(
            "B. No. If the answer is A, there would be fluid.",
            "B. No. Whether the correct answer is A depends on the phase.",
            "B. No. Option: A is wrong",
            "B. No\nChoice: A would need a lesion.",
            "B. No. The other answer is A, which is wrong",
            "B. No. The incorrect option is A.",
            "B. No. The reader's answer is A, which is wrong",
            "The answer is B. Option: A is wrong",
            "The answer is B. If the answer is A, there would be fluid.")) {
      assertEquals('B', ClosedAnswers.strict(answer, YES_NO), answer);
    }
    assertEquals(
        'A', ClosedAnswers.strict("A. Yes. The other answer is B, which is wrong", YES_NO));
    for (String answer :
        List.of(
            "B. No. Answer: A is the right one",
            "B. No. Option: A is correct.",
            "B. No\nThe answer is A, which is seen in the liver.",
            "If the answer is A, there would be fluid.")) {
      assertNull(ClosedAnswers.strict(answer, YES_NO), answer);
    }
    String first = "No other lesion is seen, and if there were, the answer is B";
    assertEquals('B', ClosedAnswers.strict(first, YES_NO), first);
  }

  @Test
  void aNumberEndsWhereItEnds() {
    Map<String, String> sizes = Map.of("A", "2", "B", "2.5", "C", "3", "D", "1");
    for (String answer : List.of("The answer is 2.5 cm", "Answer: 2.5 cm", "Answer: 1,000 mm")) {
      assertNull(ClosedAnswers.strict(answer, sizes), answer);
    }
    assertEquals('B', ClosedAnswers.strict("Answer: 2.5", sizes));
    assertEquals('B', ClosedAnswers.strict("Answer: 2.5, as measured", sizes));
    assertEquals('A', ClosedAnswers.strict("Answer: 2. It is small.", sizes));
    Map<String, String> counts = Map.of("A", "2", "B", "1", "C", "3", "D", "0");
    for (String answer : List.of("The answer is 1, 2.5 cm each", "Answer: 1, 2,500 mm in all")) {
      assertEquals('B', ClosedAnswers.strict(answer, counts), answer);
    }
  }

  @Test
  void strictAndReferenceSideBySide() {
    assertTrue(ClosedAnswers.referenceCorrect("Aorta", "A"));
    assertFalse(ClosedAnswers.strictCorrect("Aorta", "A", YES_NO));
    assertTrue(ClosedAnswers.strictCorrect("The answer is B", "B", YES_NO));
    assertFalse(ClosedAnswers.referenceCorrect("The answer is B", "B"));
    assertTrue(ClosedAnswers.strictCorrect("Yes", "A. Yes", YES_NO));
    assertFalse(ClosedAnswers.strictCorrect("No", "A. Yes", YES_NO));
    assertFalse(ClosedAnswers.strictCorrect("", "A", YES_NO));
  }

  @Test
  void withoutChoicesTextsAreCompared() {
    Map<String, String> none = Map.of();
    assertTrue(ClosedAnswers.strictCorrect("Yes.", "yes", none));
    assertTrue(ClosedAnswers.strictCorrect("two", "2", none));
    assertFalse(ClosedAnswers.strictCorrect("", "", none));
    assertFalse(ClosedAnswers.strictCorrect("yes", "no", none));
    assertTrue(ClosedAnswers.strictCorrect("No", "B. No", none));
    assertFalse(ClosedAnswers.strictCorrect("Yes", "B. No", none));
  }
}
