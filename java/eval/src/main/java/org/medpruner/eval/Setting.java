package org.medpruner.eval;

import org.medpruner.PruningPolicy;

/**
 * One way to prune that a run asks all its samples under.
 *
 * @param name unique in a run: a preset's ("paper"), or a preset's with what was changed of it
 *     ("paper gamma=0.02 tau=0.5")
 * @param preset the preset it started from ("paper")
 * @param policy what was given to the model; a temperature of 0 is the model's own
 */
public record Setting(String name, String preset, PruningPolicy policy) {
  /** The baseline, which every run has as its first setting. */
  public static final Setting OFF = of(PruningPolicy.OFF);

  /** A preset as it is. */
  public static Setting of(PruningPolicy preset) {
    return new Setting(preset.name(), preset.name(), preset);
  }
}
