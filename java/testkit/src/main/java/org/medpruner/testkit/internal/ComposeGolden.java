package org.medpruner.testkit.internal;

import java.util.List;
import org.medpruner.NucleusSelect;
import org.medpruner.testkit.HostTensor;

/**
 * One slice that the authors' code took through stage 2, as it went in.
 *
 * @param name of the golden, {@code compose/SLICE/tauT}
 * @param select with which its nucleus was selected
 * @param mass float[n]
 * @param keys F32 [n, d]
 * @param features F32 [n, C]
 */
@SuppressWarnings("ArrayRecordComponent")
record ComposeGolden(
    String name, NucleusSelect.Params select, float[] mass, HostTensor keys, HostTensor features) {
  /** Share of contextual tokens of all of them. */
  static final double RATIO = 0.05;

  static List<ComposeGolden> all() {
    String end = "/role";
    return Goldens.get().names("compose/", end).stream()
        .map(role -> of(role.substring(0, role.length() - end.length())))
        .toList();
  }

  private static ComposeGolden of(String name) {
    String[] parts = name.split("/", -1);
    String inputs = "compose/" + parts[1];
    return new ComposeGolden(
        name,
        NucleusSelect.Params.softmax(Goldens.number(parts[2]), 2),
        Goldens.get().floats(inputs + "/mass"),
        rows(inputs + "/keys"),
        rows(inputs + "/features_in"));
  }

  private static HostTensor rows(String name) {
    float[] values = Goldens.get().floats(name);
    int columns = Goldens.get().columns(name);
    return HostTensor.of(values, values.length / columns, columns);
  }

  /** The slice alone. */
  long[] offsets() {
    return new long[] {0, mass.length};
  }
}
