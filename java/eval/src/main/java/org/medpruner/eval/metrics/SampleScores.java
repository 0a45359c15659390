package org.medpruner.eval.metrics;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * What one answer scored. A metric that could not be computed, or does not apply, is absent.
 *
 * @param strict values by the strict definitions
 * @param reference values by the reference's
 */
public record SampleScores(Map<Metric, Double> strict, Map<Metric, Double> reference) {
  /** Copies the maps. */
  public SampleScores {
    strict = copy(strict);
    reference = copy(reference);
  }

  /** Values of one variant. */
  public Map<Metric, Double> of(Variant variant) {
    return variant == Variant.STRICT ? strict : reference;
  }

  private static Map<Metric, Double> copy(Map<Metric, Double> values) {
    Map<Metric, Double> copy = new EnumMap<>(Metric.class);
    copy.putAll(values);
    return Collections.unmodifiableMap(copy);
  }
}
