package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.List;
import org.medpruner.SliceAnchor;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.SliceAnchorInput;
import org.medpruner.testkit.SliceAnchorOutput;

/** What the authors' slice filter keeps. */
final class SliceAnchorGoldens {
  private SliceAnchorGoldens() {}

  static List<GoldenCase<SliceAnchorInput, SliceAnchorOutput>> all() {
    List<GoldenCase<SliceAnchorInput, SliceAnchorOutput>> all = new ArrayList<>();
    float[] constant = Goldens.get().floats("slice/const/values");
    add(all, "slice/const/", HostTensor.of(constant, constant.length, 1), 0);
    float[] pixels = Goldens.get().floats("slice/qwen_small/pixel_values");
    add(all, "slice/qwen_small/", HostTensor.of(pixels, 4, pixels.length / 4), 1e-6);
    return all;
  }

  private static void add(
      List<GoldenCase<SliceAnchorInput, SliceAnchorOutput>> all,
      String prefix,
      HostTensor slices,
      double tolerance) {
    Goldens goldens = Goldens.get();
    for (String name : goldens.names(prefix, "/kept")) {
      SliceAnchor.Params params = SliceAnchor.Params.of(Goldens.number(name.split("/", -1)[2]));
      byte[] kept = goldens.u8(name);
      float[] distances = new float[kept.length];
      float[] theirs = goldens.floats(name.substring(0, name.length() - 4) + "l1");
      System.arraycopy(theirs, 0, distances, 1, theirs.length);
      all.add(
          new GoldenCase<>(
              name,
              new SliceAnchorInput(params, slices, new long[] {0, slices.rows()}),
              out -> {
                Finding f = Finding.bits("keep", mask(kept), out.keep());
                return f instanceof Finding.Holds && out.distance() != null
                    ? Finding.close("distance", distances, out.distance(), tolerance, 1)
                    : f;
              }));
    }
  }

  private static byte[] mask(byte[] values) {
    byte[] mask = new byte[values.length];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = (byte) (values[i] == 0 ? 0 : 1);
    }
    return mask;
  }
}
