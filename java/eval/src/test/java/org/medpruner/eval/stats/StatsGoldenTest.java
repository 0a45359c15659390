package org.medpruner.eval.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.PrimitiveIterator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Intervals and tests against scipy's and numpy's, as {@code tools/eval-goldens} stored them. */
class StatsGoldenTest {
  private static final JsonNode ROOT = read();

  private static JsonNode read() {
    try (InputStream in =
        Objects.requireNonNull(StatsGoldenTest.class.getResourceAsStream("goldens.json"))) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Double> doubles(JsonNode array) {
    List<Double> list = new ArrayList<>();
    array.forEach(v -> list.add(v.doubleValue()));
    return list;
  }

  private static List<String> texts(JsonNode array) {
    List<String> list = new ArrayList<>();
    array.forEach(v -> list.add(v.asText()));
    return list;
  }

  private static Clusters clusters(JsonNode c) {
    return Clusters.of(doubles(c.get("values")), texts(c.get("volumes")));
  }

  private static void assertInterval(JsonNode expected, Interval actual, double tolerance) {
    assertEquals(expected.get(0).doubleValue(), actual.low(), tolerance);
    assertEquals(expected.get(1).doubleValue(), actual.high(), tolerance);
  }

  @Test
  void intervalsOfGivenDrawsAreNumpys() {
    for (JsonNode c : ROOT.get("drawn")) {
      PrimitiveIterator.OfInt draws =
          IntStream.range(0, c.get("draws").size())
              .map(i -> c.get("draws").get(i).intValue())
              .iterator();
      Clusters data = clusters(c);
      int resamples = c.get("draws").size() / data.count();
      Interval i = Objects.requireNonNull(Bootstrap.mean(data, resamples, n -> draws.nextInt()));
      assertInterval(c.get("interval"), i, 1e-12);
      assertEquals(c.get("mean").doubleValue(), data.mean(), 1e-12);
    }
  }

  /**
   * Two generators' intervals differ by chance; of both ends' spread over seeds, which the script
   * measured, five standard deviations are allowed.
   */
  @Test
  void intervalsAgreeWithScipysBootstrap() {
    assertTrue(ROOT.get("bootstrap").size() >= 3);
    for (JsonNode c : ROOT.get("bootstrap")) {
      Interval i = Objects.requireNonNull(Bootstrap.mean(clusters(c), 42));
      double spread = c.get("spread").doubleValue();
      assertTrue(spread > 0 && spread < 0.01, "spread " + spread);
      assertInterval(c.get("interval"), i, 5 * spread);
    }
  }

  @Test
  void sharedVolumesWidenAnInterval() {
    List<Double> values = new ArrayList<>();
    List<String> own = new ArrayList<>();
    List<String> shared = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      values.add(i / 5 % 2 == 0 ? 1.0 : 0.0);
      own.add("v" + i);
      shared.add("v" + i / 5);
    }
    Interval independent = Objects.requireNonNull(Bootstrap.mean(Clusters.of(values, own), 1));
    Interval clustered = Objects.requireNonNull(Bootstrap.mean(Clusters.of(values, shared), 1));
    double ratio = (clustered.high() - clustered.low()) / (independent.high() - independent.low());
    assertEquals(Math.sqrt(5), ratio, 0.2);
  }

  @Test
  void seedsDecideAndOneVolumeSaysNothing() {
    Clusters data = clusters(ROOT.get("bootstrap").get(2));
    assertEquals(Bootstrap.mean(data, 7), Bootstrap.mean(data, 7));
    assertNotEquals(Bootstrap.mean(data, 7), Bootstrap.mean(data, 8));
    assertNull(Bootstrap.mean(Clusters.of(List.of(1.0, 0.0), List.of("v", "v")), 1));
    assertNull(Bootstrap.mean(Clusters.of(List.of(), List.of()), 1));
    assertThrows(
        IllegalArgumentException.class, () -> Clusters.of(List.of(1.0), List.of("a", "b")));
    assertEquals(
        new Interval(1, 1), Bootstrap.mean(Clusters.of(List.of(1.0, 1.0), List.of("a", "b")), 1));
  }

  @Test
  void quantilesAreNumpys() {
    for (JsonNode c : ROOT.get("quantiles")) {
      double[] values = doubles(c.get("values")).stream().mapToDouble(d -> d).sorted().toArray();
      assertEquals(
          c.get("quantile").doubleValue(),
          Bootstrap.quantile(values, c.get("q").doubleValue()),
          1e-12);
    }
  }

  @Test
  void mcNemarIsScipysBinomialTest() {
    assertTrue(ROOT.get("mcnemar").size() >= 10);
    for (JsonNode c : ROOT.get("mcnemar")) {
      double expected = c.get("p").doubleValue();
      double p = PairedTests.mcNemar(c.get("first").intValue(), c.get("second").intValue());
      assertEquals(expected, p, 1e-9 * expected, c.toString());
    }
    assertThrows(IllegalArgumentException.class, () -> PairedTests.mcNemar(-1, 0));
  }

  @Test
  void exactPermutationIsScipys() {
    for (JsonNode c : ROOT.get("permutation")) {
      assertEquals(
          c.get("p").doubleValue(), PairedTests.permutation(clusters(c), 1), 1e-12, c.toString());
    }
    assertEquals(1, PairedTests.permutation(Clusters.of(List.of(), List.of()), 1));
  }

  @Test
  void drawnPermutationAgreesWithTheExactOne() {
    for (JsonNode c : ROOT.get("permutation_many")) {
      double p = c.get("p").doubleValue();
      double spread = Math.sqrt(p * (1 - p) / PairedTests.DRAWS);
      assertEquals(p, PairedTests.permutation(clusters(c), 42), 5 * spread + 1e-4, c.toString());
    }
  }

  @Test
  void holmIsAsTheScriptComputesIt() {
    for (JsonNode c : ROOT.get("holm")) {
      List<Double> adjusted = PairedTests.holm(doubles(c.get("p")));
      List<Double> expected = doubles(c.get("adjusted"));
      assertNotNull(adjusted);
      for (int i = 0; i < expected.size(); i++) {
        assertEquals(expected.get(i), adjusted.get(i), 1e-12);
      }
    }
  }
}
