// SPDX-License-Identifier: Apache-2.0
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.SliceAnchor;

/** Both stages on plain Java arrays, on the CPU: which slices stay, then which tokens of one. */
public class Arrays {
  private static final int SLICES = 24;
  private static final int PIXELS = 112 * 112;
  private static final int TOKENS = 64;
  private static final int HIDDEN = 32;
  private static final int KEY = 8;

  public static void main(String[] args) {
    byte[] pixels = new byte[SLICES * PIXELS]; // slice after slice; two places where it changes
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (40 * (i / (8 * PIXELS)));
    }
    var anchor = SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE);
    int[] slices = SliceAnchor.apply(pixels, SLICES, anchor).keptIndices();
    System.out.println("kept slices " + java.util.Arrays.toString(slices));

    float[] mass = new float[TOKENS]; // attention mass: tokens 5 and 40 are looked at most
    float[] keys = new float[TOKENS * KEY];
    float[] features = new float[TOKENS * HIDDEN];
    for (int t = 0; t < TOKENS; t++) {
      mass[t] = t == 5 || t == 40 ? 0.4f : 0.2f / (TOKENS - 2);
      keys[t * KEY + t % KEY] = 1;
      java.util.Arrays.fill(features, t * HIDDEN, (t + 1) * HIDDEN, t);
    }
    // The smallest set of tokens that holds 75 % of the mass, and 5 % contextual tokens for the rest.
    var params =
        Prune.Params.of(new NucleusSelect.Params(NucleusSelect.Score.MASS, 0.75, 1, 0, 0, 0, 0), 0.05);
    Prune.Result tokens = Prune.apply(mass, keys, features, params);
    System.out.println(
        "kept tokens " + java.util.Arrays.toString(tokens.packedRows()) + ", mass " + tokens.keptMass());

    boolean right =
        java.util.Arrays.equals(slices, new int[] {0, 8, 16})
            && tokens.packed().length == tokens.packedRows().length * HIDDEN
            && java.util.Arrays.stream(tokens.packedRows()).filter(t -> t == 5 || t == 40).count() == 2;
    System.exit(right ? 0 : 1);
  }
}
