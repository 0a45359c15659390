// SPDX-License-Identifier: Apache-2.0
import java.util.Arrays;
import org.medpruner.MedPruner;
import org.medpruner.SliceAnchor;

/** The volume of examples/c/slice_anchor.c: 24 slices that change twice, of which three are kept. */
class KeepSlices {
  public static void main(String[] args) {
    int depth = 24;
    int values = 112 * 112;
    byte[] pixels = new byte[depth * values];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (40 * (i / (8 * values)));
    }
    var params = SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE);
    int[] kept = SliceAnchor.apply(pixels, depth, params).keptIndices();
    System.out.println(MedPruner.status());
    System.out.println("kept " + kept.length + " of " + depth + " slices: " + Arrays.toString(kept));
    if (kept.length != 3) {
      System.exit(1);
    }
  }
}
