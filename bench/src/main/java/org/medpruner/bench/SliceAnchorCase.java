package org.medpruner.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.SlicePatches;
import org.medpruner.torch.BorrowedTensor;
import org.medpruner.torch.TorchTensors;

/** Stage 1 over one volume, in f32 and in the bytes it was made from. */
final class SliceAnchorCase implements Setup.Case {
  private static final double GAMMA = 0.05;

  /** MedGemma's. */
  private static final int PATCH = 14;

  private final int depth;
  private final int values;
  private final String size;
  private final SlicePatches patches;

  /** Square RGB pictures. */
  SliceAnchorCase(int depth, int side) {
    this.depth = depth;
    this.values = 3 * side * side;
    this.size = depth + "x3x" + side + "x" + side;
    this.patches = SlicePatches.planar(3, side, side, PATCH, PATCH);
  }

  @Override
  public List<Report.Row> rows(Setup setup, Ceilings ceilings) {
    List<Report.Row> rows = new ArrayList<>();
    byte[] pixels = Inputs.slices(depth, values, 8);
    try (Volume bytes = Volume.of(pixels, depth, values);
        Volume floats = Volume.normalised(pixels, depth, values);
        BorrowedTensor images = TorchTensors.borrow(floats.slices);
        Tensor scratch = torch.empty(values)) {
      boolean[] kept = floats.kept(GAMMA);
      Setup.check(
          Arrays.equals(kept, AuthorsForm.keptSlices(images.tensor(), GAMMA)),
          "slice_anchor f32 and the authors' form keep different slices");
      Setup.check(
          Arrays.equals(kept, TunedForm.keptSlices(images.tensor(), scratch, GAMMA)),
          "slice_anchor f32 and the tuned LibTorch form keep different slices");
      Setup.check(
          Arrays.equals(kept, bytes.kept(GAMMA)), "slice_anchor u8 and f32 keep different slices");
      for (Volume each : List.of(floats, bytes)) {
        Setup.check(
            Arrays.equals(kept, each.guardedKept(GAMMA, patches)),
            "slice_anchor keeps other slices when it measures patches");
      }
      Map<String, Timing> race =
          setup
              .race()
              .with("f32", () -> floats.run(GAMMA))
              .with("read", () -> setup.probe().read(floats.address(), floats.bytes()))
              .with("u8", () -> bytes.run(GAMMA))
              .with("read u8", () -> setup.probe().read(bytes.address(), bytes.bytes()))
              .with("patches", () -> floats.guard(GAMMA, patches))
              .with("patches u8", () -> bytes.guard(GAMMA, patches))
              .with("authors", () -> AuthorsForm.keptSlices(images.tensor(), GAMMA))
              .with("tuned", () -> TunedForm.keptSlices(images.tensor(), scratch, GAMMA))
              .run();
      String same = "same " + count(kept) + " of " + depth + " slices kept as by ";
      Timing f32 = Setup.require(race, "f32");
      rows.add(
          new Report.Row(
              "slice_anchor",
              "f32 " + size,
              "[" + depth + ", " + values + "]",
              "f32",
              "cpu",
              floats.bytes(),
              2L * (depth - 1) * values,
              f32,
              Ceilings.share(
                  ceilings.read("read", floats.bytes(), Setup.require(race, "read")),
                  floats.bytes(),
                  f32),
              null,
              List.of(
                  Setup.baseline(
                      race,
                      "f32",
                      "authors",
                      "LibTorch: (a - b).abs().mean() > gamma per slice, read by the host"),
                  Setup.baseline(
                      race,
                      "f32",
                      "tuned",
                      "LibTorch: difference, abs and sum in one kept scratch slice")),
              List.of(),
              same + "the authors' form and the tuned LibTorch form"));
      Timing u8 = Setup.require(race, "u8");
      rows.add(
          new Report.Row(
              "slice_anchor",
              "u8 " + size,
              "[" + depth + ", " + values + "]",
              "u8",
              "cpu",
              bytes.bytes(),
              2L * (depth - 1) * values,
              u8,
              Ceilings.share(
                  ceilings.read("read u8", bytes.bytes(), Setup.require(race, "read u8")),
                  bytes.bytes(),
                  u8),
              null,
              List.of(
                  Setup.baseline(race, "u8", "f32", "MedPruner's own f32 form, same slices"),
                  Setup.baseline(race, "u8", "authors", "LibTorch: the loop over the f32 slices")),
              List.of(),
              same + "the f32 form and the authors' form"));
      rows.add(guarded("f32", floats, race, "f32", "patches", ceilings, kept));
      rows.add(guarded("u8", bytes, race, "u8", "patches u8", ceilings, kept));
    }
    rows.add(decideOnly(setup));
    return rows;
  }

  /** What the guard for small findings costs beside the same pass without it. */
  private Report.Row guarded(
      String dtype,
      Volume volume,
      Map<String, Timing> race,
      String plain,
      String timed,
      Ceilings ceilings,
      boolean[] kept) {
    Timing timing = Setup.require(race, timed);
    return new Report.Row(
        "slice_anchor",
        dtype + " " + size + " with patches of " + PATCH + "x" + PATCH,
        "[" + depth + ", " + values + "]",
        dtype,
        "cpu",
        volume.bytes(),
        2L * (depth - 1) * values,
        timing,
        Ceilings.share(
            ceilings.get(dtype.equals("u8") ? "read u8" : "read"), volume.bytes(), timing),
        null,
        List.of(Setup.baseline(race, timed, plain, "the same slices without patches")),
        List.of(),
        "same " + count(kept) + " of " + depth + " slices kept as without patches");
  }

  /**
   * Slices that all differ by 0.2 to 0.25, four to five times gamma: reading may end that early.
   */
  private Report.Row decideOnly(Setup setup) {
    byte[] pixels = Inputs.slices(depth, values, 64);
    try (Volume bytes = Volume.of(pixels, depth, values)) {
      boolean[] kept = bytes.kept(GAMMA);
      Setup.check(count(kept) == depth, "not all slices are kept: " + count(kept));
      Setup.check(
          Arrays.equals(kept, bytes.decided(GAMMA)),
          "slice_anchor u8 with and without DECIDE_ONLY keep different slices");
      Map<String, Timing> race =
          setup
              .race()
              .with("decide", () -> bytes.decide(GAMMA))
              .with("exact", () -> bytes.run(GAMMA))
              .run();
      return new Report.Row(
          "slice_anchor",
          "u8 " + size + " all kept, decide only",
          "[" + depth + ", " + values + "]",
          "u8",
          "cpu",
          bytes.bytes(),
          2L * (depth - 1) * values,
          Setup.require(race, "decide"),
          null,
          null,
          List.of(Setup.baseline(race, "decide", "exact", "the same slices with distances")),
          List.of(),
          "all " + depth + " slices kept with and without");
    }
  }

  private static int count(boolean[] kept) {
    int n = 0;
    for (boolean k : kept) {
      n += k ? 1 : 0;
    }
    return n;
  }
}
