package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.medpruner.ContextualMerge;
import org.medpruner.Prune;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.PruneInput;
import org.medpruner.testkit.PruneOutput;

/** Stage 2 of one slice as the authors' code does it, from its masses to the rows that stay. */
final class PruneGoldens {
  private PruneGoldens() {}

  static List<GoldenCase<PruneInput, PruneOutput>> all() {
    List<GoldenCase<PruneInput, PruneOutput>> all = new ArrayList<>();
    for (ComposeGolden golden : ComposeGolden.all()) {
      String name = golden.name();
      int[] rows = keptRows(name);
      all.add(new GoldenCase<>(name, input(golden), out -> compare(name, rows, out)));
    }
    return all;
  }

  private static PruneInput input(ComposeGolden golden) {
    return new PruneInput(
        Prune.Params.of(golden.select(), ComposeGolden.RATIO),
        golden.mass(),
        golden.keys(),
        golden.features(),
        golden.offsets(),
        null,
        null);
  }

  private static int[] keptRows(String name) {
    byte[] role = Goldens.get().u8(name + "/role");
    return IntStream.range(0, role.length)
        .filter(i -> role[i] != ContextualMerge.ROLE_MERGED)
        .toArray();
  }

  private static Finding compare(String name, int[] rows, PruneOutput out) {
    long[] expected = IntStream.of(rows).asLongStream().toArray();
    Finding kept = Finding.bits("packed-rows", expected, out.packedRows());
    return kept instanceof Finding.Holds
        ? ContextualMergeGoldens.merges(
            name, out.assignment(), () -> features(name, rows, out.packed()))
        : kept;
  }

  private static Finding features(String name, int[] rows, @Nullable HostTensor packed) {
    if (packed == null) {
      return Finding.HOLDS;
    }
    Goldens goldens = Goldens.get();
    float[] all = goldens.floats(name + "/features");
    int columns = goldens.columns(name + "/features");
    float[] expected = HostTensor.of(all, all.length / columns, columns).take(rows).values();
    return Finding.close("packed", expected, packed.values(), 1e-5, 1);
  }
}
