package org.medpruner.eval;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/** Which samples of a benchmark a run takes, and which of them share a volume. */
final class SampleChoice {
  private SampleChoice() {}

  /**
   * At most {@code limit} samples, in their own order. Whole volumes are drawn, because encoding
   * one costs more than all its questions; the last one may give a part of its samples.
   *
   * @param limit 0 for all
   */
  static List<Sample> choose(List<Sample> all, int limit, long seed) {
    if (limit == 0 || limit >= all.size()) {
      return all;
    }
    Map<String, List<Sample>> volumes = byVolume(all);
    List<String> names = new ArrayList<>(volumes.keySet());
    // java.util.Random draws alike for small seeds: of four volumes none of 0 to 39 takes the
    // third.
    Collections.shuffle(names, new SplittableRandom(seed));
    Set<String> chosen = new HashSet<>();
    for (String name : names) {
      volumes.getOrDefault(name, List.of()).stream()
          .limit(limit - chosen.size())
          .forEach(s -> chosen.add(s.id()));
    }
    return all.stream().filter(s -> chosen.contains(s.id())).toList();
  }

  /** Samples by {@link Sample#volume}, both in the order of the list. */
  static Map<String, List<Sample>> byVolume(List<Sample> samples) {
    Map<String, List<Sample>> volumes = new LinkedHashMap<>();
    samples.forEach(s -> volumes.computeIfAbsent(s.volume(), k -> new ArrayList<>()).add(s));
    return volumes;
  }
}
