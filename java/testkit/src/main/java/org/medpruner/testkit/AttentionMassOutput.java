package org.medpruner.testkit;

import org.jspecify.annotations.Nullable;

/**
 * What {@code attention_mass} gives for N patches in G segments. Null is an output that the target
 * does not give.
 *
 * @param mass float[N / patchesPerToken]
 * @param pooledKeys float[N / patchesPerToken * d]
 * @param flags int[G], bits of {@link org.medpruner.SegmentFlags}
 */
@SuppressWarnings("ArrayRecordComponent")
public record AttentionMassOutput(
    float @Nullable [] mass, float @Nullable [] pooledKeys, int @Nullable [] flags) {

  /**
   * The masses alone.
   *
   * @param mass float[N / patchesPerToken]
   * @return an output whose other rules are reported as unsupported
   */
  public static AttentionMassOutput ofMass(float[] mass) {
    return new AttentionMassOutput(mass, null, null);
  }
}
