package org.medpruner.eval.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import net.sf.extjwnl.JWNLException;
import org.junit.jupiter.api.Test;

/** Every metric, in both variants, against Python's. */
class MetricsGoldenTest {
  private static final Scorer SCORER = new Scorer(Meteor.withWordNet());

  @Test
  void openAnswersOfBothVariants() {
    JsonNode pairs = Goldens.ROOT.get("pairs");
    assertTrue(pairs.size() >= 40, "the table has " + pairs.size() + " pairs");
    List<String> wrong = new ArrayList<>();
    for (JsonNode pair : pairs) {
      SampleScores s = SCORER.open(pair.get("prediction").asText(), pair.get("gold").asText());
      Goldens.differences(pair.get("reference"), s.reference())
          .forEach(d -> wrong.add("reference " + d + " of " + pair.get("prediction")));
      Goldens.differences(pair.get("strict"), s.strict())
          .forEach(d -> wrong.add("strict " + d + " of " + pair.get("prediction")));
    }
    assertEquals(List.of(), wrong);
  }

  @Test
  void normalisedWords() {
    for (JsonNode pair : Goldens.ROOT.get("pairs")) {
      String text = pair.get("prediction").asText();
      JsonNode normalized = pair.get("normalized");
      assertEquals(normalized.get("reference").asText(), WordNormalizer.reference(text), text);
      assertEquals(normalized.get("strict").asText(), WordNormalizer.strict(text), text);
    }
  }

  @Test
  void meteorWithoutSynonyms() {
    Meteor meteor = new Meteor(Synonyms.NONE);
    int lower = 0;
    for (JsonNode pair : Goldens.ROOT.get("pairs")) {
      List<String> answer = words(pair.get("prediction"));
      List<String> gold = words(pair.get("gold"));
      double expected = pair.get("meteor_without_synonyms").asDouble();
      assertEquals(expected, meteor.score(answer, gold), 1e-9, pair.get("prediction").asText());
      lower += expected < pair.get("strict").get("meteor").asDouble() ? 1 : 0;
    }
    assertTrue(lower >= 3, "only " + lower + " pairs need a synonym");
  }

  private static List<String> words(JsonNode text) {
    return PythonText.split(PythonText.lower(PythonText.strip(text.asText())));
  }

  @Test
  void reportsOfBothVariants() {
    List<String> wrong = new ArrayList<>();
    for (JsonNode pair : Goldens.ROOT.get("reports")) {
      SampleScores s = SCORER.report(pair.get("prediction").asText(), pair.get("gold").asText());
      Goldens.differences(pair.get("reference"), s.reference())
          .forEach(d -> wrong.add("reference " + d + " of " + pair.get("prediction")));
      if (pair.get("strict").isNull()) {
        assertEquals(Map.of(), s.strict());
        assertTrue(Scorer.isEmptyReport(pair.get("prediction").asText()));
      } else {
        Goldens.differences(pair.get("strict"), s.strict())
            .forEach(d -> wrong.add("strict " + d + " of " + pair.get("prediction")));
      }
    }
    assertEquals(List.of(), wrong);
  }

  @Test
  void reportMeansDivideByAllInTheReferenceAloneAndStrictOnesByThoseScored() {
    ScoreTable table = new ScoreTable();
    int empty = 0;
    for (JsonNode pair : Goldens.ROOT.get("reports")) {
      String answer = pair.get("prediction").asText();
      table.add("amos", SCORER.report(answer, pair.get("gold").asText()));
      empty += Scorer.isEmptyReport(answer) ? 1 : 0;
    }
    assertEquals(
        List.of(),
        Goldens.differences(Goldens.ROOT.get("report_means"), table.sampleMean(Variant.REFERENCE)));
    assertEquals(3, empty);
    assertEquals(table.size() - empty, table.scored(Variant.STRICT, Metric.BLEU_1));
    assertEquals(table.size(), table.scored(Variant.REFERENCE, Metric.BLEU_1));
  }

  @Test
  void overallIsTheMeanOverCategories() {
    ScoreTable table = new ScoreTable();
    int i = 0;
    for (JsonNode pair : Goldens.ROOT.get("pairs")) {
      table.add(
          Integer.toString(1 + i++ % 3),
          SCORER.open(pair.get("prediction").asText(), pair.get("gold").asText()));
    }
    Map<Metric, Double> percent = new EnumMap<>(Metric.class);
    table.overCategories(Variant.REFERENCE).forEach((m, v) -> percent.put(m, v * 100));
    assertEquals(List.of(), Goldens.differences(Goldens.ROOT.get("overall"), percent));
    assertEquals(List.of("1", "2", "3"), table.categories());
  }

  @Test
  void samplesWithoutCategoryAreInTheSampleMeanAlone() {
    ScoreTable table = new ScoreTable();
    table.add("a", new SampleScores(Map.of(Metric.F1, 1.0), Map.of()));
    table.add("a", new SampleScores(Map.of(Metric.F1, 0.0), Map.of()));
    table.add("b", new SampleScores(Map.of(Metric.F1, 1.0), Map.of()));
    table.add(null, new SampleScores(Map.of(Metric.F1, 0.0), Map.of()));
    assertEquals(Map.of(Metric.F1, 0.75), table.overCategories(Variant.STRICT));
    assertEquals(Map.of(Metric.F1, 0.5), table.sampleMean(Variant.STRICT));
    assertEquals(Map.of(), table.sampleMean(Variant.REFERENCE));
    assertEquals(2, table.size("a"));
    assertEquals(0, table.size("c"));
  }

  @Test
  void stemsAreNltks() {
    Goldens.ROOT
        .get("stems")
        .properties()
        .forEach(
            e -> assertEquals(e.getValue().asText(), PorterStemmer.stem(e.getKey()), e.getKey()));
  }

  @Test
  void synonymsAreNltks() throws JWNLException {
    Synonyms wordNet = WordNet.open();
    Goldens.ROOT
        .get("synonyms")
        .properties()
        .forEach(
            e -> {
              Set<String> expected = new TreeSet<>();
              e.getValue().forEach(s -> expected.add(s.asText()));
              assertEquals(expected, new TreeSet<>(wordNet.of(e.getKey())), e.getKey());
            });
  }

  @Test
  void bleuOfTheReferencesExample() {
    Map<Metric, Double> s = SCORER.open("right hilar area", "right hilar region.").reference();
    assertEquals(0.66667, s.getOrDefault(Metric.BLEU_1, Double.NaN), 5e-6);
    assertEquals(0.57735, s.getOrDefault(Metric.BLEU_2, Double.NaN), 5e-6);
    assertEquals(0.32550, s.getOrDefault(Metric.BLEU_3, Double.NaN), 5e-6);
    assertEquals(0.24028, s.getOrDefault(Metric.BLEU_4, Double.NaN), 5e-6);
  }

  @Test
  void withoutWordNetMeteorIsAbsentWithItsReasonAndNever0() {
    Meteor missing = WordNet.load("/no/such/properties.xml");
    assertTrue(!missing.available() && missing.missing().contains("extjwnl-data-wn30"));
    Scorer scorer = new Scorer(missing);
    for (SampleScores s :
        List.of(
            scorer.open("left kidney", "left kidney"),
            scorer.open("", ""),
            scorer.report("Normal.", "Normal."),
            scorer.report("", "Normal."))) {
      assertTrue(!s.strict().containsKey(Metric.METEOR));
      assertTrue(!s.reference().containsKey(Metric.METEOR));
    }
    assertTrue(SCORER.meteor().available() && SCORER.meteor().missing().isEmpty());
  }

  /** Of "A", "the" and "." normalisation leaves as much as of no answer. */
  @Test
  void anEmptyAnswerScores0WhateverTheGoldText() {
    for (String gold : List.of("A", "a", "the", ".", "The liver")) {
      for (String answer : List.of("", "  ", "an", "\n", "<unused94>x<unused95>")) {
        Map<Metric, Double> s = SCORER.open(answer, gold).strict();
        for (Metric m : List.of(Metric.EXACT_MATCH, Metric.F1, Metric.PRECISION, Metric.RECALL)) {
          assertEquals(0.0, s.get(m), m + " of \"" + answer + "\" with \"" + gold + "\"");
        }
      }
      assertEquals(1.0, SCORER.open(gold, gold).strict().get(Metric.EXACT_MATCH), gold);
    }
    assertEquals(1.0, SCORER.open("a ", "A").strict().get(Metric.F1));
    assertEquals(1.0, SCORER.open("a liver", "The liver.").strict().get(Metric.F1));
  }

  @Test
  void headingsAreRemovedAsMarkdownWritesThem() {
    String gold = "Findings: The liver is normal in size. Impression: No acute disease.";
    Map<Metric, Double> plain = SCORER.report(gold, gold).strict();
    for (String answer :
        List.of(
            "**Findings:** The liver is normal in size.\n\n**Impression:** No acute disease.",
            "**Findings**: The liver is normal in size.\n\n**Impression**:\nNo acute disease.",
            "__Findings:__ The liver is normal in size. _impression:_ No acute disease.",
            "## Findings\nThe liver is normal in size.\n\n## Impression:\nNo acute disease.",
            "# **Findings**\r\n"
                + "The liver is normal in size.\r\n"
                + "**Impression**\r\n"
                + "No acute disease.")) {
      assertEquals(plain, SCORER.report(answer, gold).strict(), answer);
    }
    for (String empty :
        List.of("**Findings:**\n\n**Impression:**", "## Findings\n\n## Impression", "Findings:")) {
      assertTrue(Scorer.isEmptyReport(empty), empty);
      assertEquals(Map.of(), SCORER.report(empty, gold).strict(), empty);
    }
    // A sentence that says the word, and a list's asterisk, are no headings.
    for (String kept :
        List.of(
            "No findings",
            "Impression",
            "The findings are * normal",
            "my_findings: x",
            "x\nFindings\ny")) {
      String bare = kept.replaceFirst("(?i)findings|impression", "");
      assertEquals(0.0, SCORER.report(kept, bare).strict().get(Metric.EXACT_MATCH), kept);
    }
  }

  @Test
  void thoughtsAreNotScored() {
    String answer = "<unused94>thought\nThe answer is A, or not.<unused95>B";
    Map<String, String> choices = Map.of("A", "Yes", "B", "No");
    assertEquals(1.0, SCORER.closed(answer, "B", choices).strict().get(Metric.ACCURACY));
    assertEquals(1.0, SCORER.closed(answer, "B", choices).reference().get(Metric.ACCURACY));
    assertEquals(1.0, SCORER.open(answer, "b").strict().get(Metric.EXACT_MATCH));
    assertEquals("", ThinkingBlock.strip("<unused94>never ends"));
    assertEquals("a b", ThinkingBlock.strip("a b"));
    assertTrue(Scorer.isEmptyReport("<unused94>x<unused95>\nFindings: impression:"));
  }
}
