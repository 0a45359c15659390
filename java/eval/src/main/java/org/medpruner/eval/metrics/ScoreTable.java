package org.medpruner.eval.metrics;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Means of many answers' scores: over samples, within categories, and over categories as the
 * reference aggregates. Not thread-safe.
 */
public final class ScoreTable {
  private final Map<String, List<SampleScores>> byCategory = new TreeMap<>();
  private final List<SampleScores> all = new ArrayList<>();

  /**
   * Adds one answer's scores.
   *
   * @param category null for none: as in the reference, the sample is then in no category mean
   */
  public void add(@Nullable String category, SampleScores scores) {
    all.add(scores);
    if (category != null) {
      byCategory.computeIfAbsent(category, c -> new ArrayList<>()).add(scores);
    }
  }

  /** Names of the categories, sorted. */
  public List<String> categories() {
    return List.copyOf(byCategory.keySet());
  }

  /** Number of answers. */
  public int size() {
    return all.size();
  }

  /** Number of answers of a category; 0 for one that is not there. */
  public int size(String category) {
    return byCategory.getOrDefault(category, List.of()).size();
  }

  /** How many answers have a value of the metric. */
  public int scored(Variant variant, Metric metric) {
    return (int) all.stream().filter(s -> s.of(variant).containsKey(metric)).count();
  }

  /** Means over all answers that have a value, metric by metric. */
  public Map<Metric, Double> sampleMean(Variant variant) {
    return mean(all, variant);
  }

  /** Means over the answers of a category that have a value. */
  public Map<Metric, Double> categoryMean(String category, Variant variant) {
    return mean(byCategory.getOrDefault(category, List.of()), variant);
  }

  /**
   * Means over the categories that have a value, each weighing the same: the reference's overall.
   */
  public Map<Metric, Double> overCategories(Variant variant) {
    Map<Metric, Double> means = new EnumMap<>(Metric.class);
    for (Metric metric : Metric.values()) {
      OptionalDouble mean =
          byCategory.values().stream()
              .map(scores -> mean(scores, variant).get(metric))
              .filter(Objects::nonNull)
              .mapToDouble(Double::doubleValue)
              .average();
      mean.ifPresent(m -> means.put(metric, m));
    }
    return means;
  }

  private static Map<Metric, Double> mean(Collection<SampleScores> scores, Variant variant) {
    Map<Metric, Double> means = new EnumMap<>(Metric.class);
    for (Metric metric : Metric.values()) {
      scores.stream()
          .map(s -> s.of(variant).get(metric))
          .filter(Objects::nonNull)
          .mapToDouble(Double::doubleValue)
          .average()
          .ifPresent(m -> means.put(metric, m));
    }
    return means;
  }
}
