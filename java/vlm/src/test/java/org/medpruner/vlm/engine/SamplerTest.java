package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.vlm.NonFiniteLogitsException;
import org.medpruner.vlm.Sampling;

class SamplerTest {
  private static final int DRAWS = 200_000;

  private static int[] histogram(Sampling sampling, float... logits) {
    Sampler sampler = new Sampler(sampling);
    int[] counts = new int[logits.length];
    for (int i = 0; i < DRAWS; i++) {
      counts[sampler.next(logits.clone())]++;
    }
    return counts;
  }

  /** Chi-squared over its degrees of freedom; about 1 for draws of the distribution. */
  private static void assertDistribution(double[] expected, int[] counts) {
    double sum = Arrays.stream(expected).sum();
    double chi = 0;
    int classes = 0;
    for (int i = 0; i < expected.length; i++) {
      double mean = expected[i] / sum * DRAWS;
      if (mean == 0) {
        assertEquals(0, counts[i], "token " + i + " has no probability");
      } else {
        chi += (counts[i] - mean) * (counts[i] - mean) / mean;
        classes++;
      }
    }
    // The seed is fixed, so this either always passes or never: 20 is beyond any chance at 5
    // classes.
    assertTrue(chi < 20, Arrays.toString(counts) + " against " + Arrays.toString(expected));
    assertTrue(classes > 1, "a distribution of one is no test");
  }

  private static final float[] LOGITS = {1, 3, 0, 2.5f, -1};

  private static double[] softmax(double temperature, int... kept) {
    double[] p = new double[LOGITS.length];
    for (int i : kept) {
      p[i] = Math.exp(LOGITS[i] / temperature);
    }
    return p;
  }

  @Test
  void drawsFollowTheSoftmax() {
    assertDistribution(softmax(1, 0, 1, 2, 3, 4), histogram(Sampling.of(1, 7), LOGITS));
    assertDistribution(softmax(0.5, 0, 1, 2, 3, 4), histogram(Sampling.of(0.5, 7), LOGITS));
    assertDistribution(softmax(3, 0, 1, 2, 3, 4), histogram(Sampling.of(3, 8), LOGITS));
  }

  @Test
  void topKLeavesTheLikeliest() {
    assertDistribution(softmax(1, 1, 3), histogram(new Sampling(1, 2, 1, 1, 7), LOGITS));
    assertDistribution(softmax(1, 0, 1, 2, 3, 4), histogram(new Sampling(1, 99, 1, 1, 7), LOGITS));
  }

  @Test
  void topPLeavesTheFewestThatReachIt() {
    // Shares of 1, 3, 0, 2.5, -1: 0.076, 0.560, 0.028, 0.340, 0.010. The first two have 0.886.
    assertDistribution(softmax(1, 1, 3), histogram(new Sampling(1, 0, 0.88, 1, 7), LOGITS));
    assertDistribution(softmax(1, 0, 1, 3), histogram(new Sampling(1, 0, 0.9, 1, 7), LOGITS));
    // Top-p is taken of what top-k left: 1 and 3 have all of it.
    assertDistribution(softmax(1, 1, 3), histogram(new Sampling(1, 2, 0.95, 1, 7), LOGITS));
  }

  @Test
  void minusInfinityIsNeverDrawn() {
    float[] logits = {0, Float.NEGATIVE_INFINITY, 0.5f, Float.NEGATIVE_INFINITY};
    assertDistribution(new double[] {1, 0, Math.exp(0.5), 0}, histogram(Sampling.of(1, 3), logits));
    assertDistribution(
        new double[] {1, 0, Math.exp(0.5), 0}, histogram(new Sampling(1, 4, 1, 1, 3), logits));
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 1", "1, 1, 1", "5, 1, 0.5", "1, 0, 1e-9", "2, 3, 1e-300"})
  void whatIsGreedyInEffectIsGreedy(double temperature, int topK, double topP) {
    SplittableRandom random = new SplittableRandom(5);
    Sampler sampler = new Sampler(new Sampling(temperature, topK, topP, 1, 99));
    for (int round = 0; round < 500; round++) {
      float[] logits = new float[40];
      for (int i = 0; i < logits.length; i++) {
        // Few distinct values, zeros of both signs among them: most rounds have ties.
        logits[i] = random.nextInt(4) == 0 ? -0f : random.nextInt(-3, 4) * 0.5f;
      }
      int best = 0;
      for (int i = 0; i < logits.length; i++) {
        best = logits[i] > logits[best] ? i : best;
      }
      assertEquals(best, sampler.next(logits));
    }
  }

  @Test
  void aSeedGivesOneSequence() {
    assertEquals(sequence(1), sequence(1));
    assertNotEquals(sequence(1), sequence(2));
  }

  private static List<Integer> sequence(long seed) {
    Sampler sampler = new Sampler(Sampling.of(2, seed));
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      ids.add(sampler.next(LOGITS.clone()));
    }
    return ids;
  }

  @Test
  void aTokenThatOccurredIsPenalised() {
    Sampling penalty = new Sampling(0, 0, 1, 1.5, 0);
    Sampler sampler = new Sampler(penalty);
    assertEquals(1, sampler.next(LOGITS.clone()));
    sampler.note(1);
    // 3 / 1.5 = 2 is below 2.5.
    assertEquals(3, sampler.next(LOGITS.clone()));
    Sampler negative = new Sampler(penalty);
    negative.note(0);
    // -2 x 1.5 = -3 is below -2.5.
    assertEquals(1, negative.next(new float[] {-2, -2.5f}));
    assertEquals(0, new Sampler(penalty).next(new float[] {-2, -2.5f}));
  }

  @ParameterizedTest
  @CsvSource({"0, NaN", "1, NaN", "0, Infinity", "1, Infinity"})
  void logitsThatAreNoNumbersAreNamed(double temperature, float bad) {
    Sampler sampler = new Sampler(Sampling.of(temperature, 1));
    assertThrows(NonFiniteLogitsException.class, () -> sampler.next(new float[] {0, bad, 1}));
    float nothing = Float.NEGATIVE_INFINITY;
    assertThrows(
        NonFiniteLogitsException.class, () -> sampler.next(new float[] {nothing, nothing}));
    assertThrows(NonFiniteLogitsException.class, () -> Sampler.checked(4, bad));
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 0, 1, 1, temperature",
    "NaN, 0, 1, 1, temperature",
    "1, -1, 1, 1, topK",
    "1, 0, 0, 1, topP",
    "1, 0, 1.1, 1, topP",
    "1, 0, NaN, 1, topP",
    "1, 0, 1, 0, repetitionPenalty",
  })
  void badValuesAreRefused(
      double temperature, int topK, double topP, double penalty, String named) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new Sampling(temperature, topK, topP, penalty, 0));
    assertTrue(String.valueOf(e.getMessage()).startsWith(named + " = "), e.getMessage());
  }
}
