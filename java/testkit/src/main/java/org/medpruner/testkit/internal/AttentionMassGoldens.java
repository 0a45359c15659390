package org.medpruner.testkit.internal;

import java.util.List;
import org.medpruner.AttentionMass;
import org.medpruner.testkit.AttentionMassInput;
import org.medpruner.testkit.AttentionMassOutput;
import org.medpruner.testkit.HostTensor;

/** The mass that the authors' code finds in the last layer of a small Hulu-Med encoder. */
final class AttentionMassGoldens {
  private static final String NAME = "attention/hulu";

  /**
   * 6e-7 times 28.8, the largest sum of magnitudes of a logit's products there, and 3e-6 for what
   * their f32 attention is off by.
   */
  private static final double TOLERANCE = 2.1e-5;

  private AttentionMassGoldens() {}

  static List<GoldenCase<AttentionMassInput, AttentionMassOutput>> all() {
    Goldens goldens = Goldens.get();
    float[] mass = goldens.floats(NAME + "/mass");
    float[] keys = goldens.floats(NAME + "/pooled_keys");
    int d = goldens.columns(NAME + "/query");
    int group = 4; // two by two patches become a token
    int n = group * mass.length;
    float[] query = goldens.floats(NAME + "/query");
    int heads = query.length / n / d;
    AttentionMassInput input =
        new AttentionMassInput(
            AttentionMass.Params.of(new AttentionMass.Contiguous(group)),
            HostTensor.of(query, n, heads, d),
            HostTensor.of(goldens.floats(NAME + "/key"), n, heads, d),
            null,
            new long[] {0, n});
    return List.of(new GoldenCase<>(NAME, input, out -> compare(mass, keys, out)));
  }

  private static Finding compare(float[] mass, float[] keys, AttentionMassOutput out) {
    Finding masses = Finding.close("mass", mass, out.mass(), TOLERANCE, 1e-3);
    return masses instanceof Finding.Holds && out.pooledKeys() != null
        ? Finding.close("pooled-keys", keys, out.pooledKeys(), 1e-5, 1)
        : masses;
  }
}
