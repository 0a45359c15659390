package org.medpruner.eval.metrics;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * Values made by {@code tools/eval-goldens}: nltk, rouge, rouge-score, the reference's own code.
 */
final class Goldens {
  static final JsonNode ROOT = read();

  private Goldens() {}

  private static JsonNode read() {
    try (InputStream in =
        Objects.requireNonNull(Goldens.class.getResourceAsStream("goldens.json"))) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What differs by more than 1e-9, or is on one side only, one line each. */
  static List<String> differences(JsonNode expected, Map<Metric, Double> actual) {
    List<String> out = new ArrayList<>();
    for (Metric m : Metric.values()) {
      Double a = actual.get(m);
      JsonNode e = expected.get(key(m, expected));
      if (e == null ? a != null : a == null || Math.abs(e.doubleValue() - a) > 1e-9) {
        out.add(m + ": expected " + e + ", got " + a);
      }
    }
    return out;
  }

  /** "rouge_l", or "rougeL" as the reference's report script writes it. */
  private static String key(Metric m, JsonNode expected) {
    String key = m.name().toLowerCase(Locale.ROOT);
    String short1 = key.replace("_", "");
    return expected.has(key)
        ? key
        : short1.equals("rougel") && expected.has("rougeL") ? "rougeL" : short1;
  }
}
