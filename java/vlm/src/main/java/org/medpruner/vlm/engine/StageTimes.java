package org.medpruner.vlm.engine;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.medpruner.vlm.Progress;

/**
 * Seconds that the stages took for volumes together. A volume's own are its share: of the patches
 * of all slices where those are looked at, of the patches of encoded slices in the later stages.
 */
final class StageTimes {
  private final Map<String, Double> seconds = new LinkedHashMap<>();

  /** Seconds since a {@link System#nanoTime}. */
  static double since(long startNanos) {
    return (System.nanoTime() - startNanos) * 1e-9;
  }

  void add(String stage, double more) {
    seconds.merge(stage, more, Double::sum);
  }

  /** The share of a volume; those of all volumes add up to the whole. */
  Map<String, Double> of(AnchoredVolumes all, AnchoredVolume volume) {
    Map<String, Double> own = new LinkedHashMap<>();
    seconds.forEach(
        (stage, whole) -> {
          ToLongFunction<AnchoredVolume> patches =
              stage.equals(Progress.ANCHOR)
                  ? v -> (long) v.member().count() * v.grid().patches()
                  : v -> (long) v.processed().length * v.grid().patches();
          long sum = all.list().stream().mapToLong(patches).sum();
          own.put(stage, whole * patches.applyAsLong(volume) / sum);
        });
    return own;
  }
}
