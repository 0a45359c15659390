package org.medpruner.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.Rates;
import org.medpruner.PruningReport.Savings;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.SegmentFlags;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.vlm.Progress;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/**
 * Stage 1 alone, on 8-bit pictures at their own resolution, with no model. Distances are in the
 * units of pixels normalised to [-1, 1], so that gamma means what it means with a model.
 */
final class SliceOnlyPruning {
  /** Patches along a side of a picture: those of MedGemma, 896 / 14. */
  private static final int PATCHES = 64;

  private SliceOnlyPruning() {}

  /**
   * Anchors the slices.
   *
   * @throws IllegalArgumentException if a bound in millimetres is set and the spacing is unknown
   */
  static PruningReport run(SliceImages images, PruningPolicy policy, Progress progress) {
    // A negative threshold keeps every slice and still measures its distance.
    SliceAnchor.Params params =
        (policy.sliceAnchoring() ? criteria(images, policy) : SliceAnchor.Params.of(-1))
            .withScale(SliceAnchor.U8_SCALE);
    progress.update(Progress.ANCHOR, 0, images.count());
    long start = System.nanoTime();
    SliceAnchor.Result result = SliceAnchor.apply(images.pixels(), params);
    double seconds = (System.nanoTime() - start) / 1e9;
    progress.update(Progress.ANCHOR, images.count(), images.count());
    return report(images, policy, result, seconds);
  }

  private static SliceAnchor.Params criteria(SliceImages images, PruningPolicy policy) {
    double[] positions = images.info().stream().mapToDouble(SliceInfo::positionMm).toArray();
    SliceAnchor.Params params =
        SliceAnchor.Params.of(policy.gamma())
            .withMaxGap(policy.maxGap(images.spacingMm(), positions));
    if (policy.patchGamma() == 0) {
      return params;
    }
    return params.withPatches(
        policy.patchGamma(),
        SlicePatches.interleaved(
            images.height(), images.width(), 3, side(images.height()), side(images.width())));
  }

  /** Of a patch, in pixels. */
  private static long side(int extent) {
    return (extent - 1) / PATCHES + 1;
  }

  private static PruningReport report(
      SliceImages images, PruningPolicy policy, SliceAnchor.Result result, double seconds) {
    List<SliceReport> slices = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    for (int i = 0; i < images.count(); i++) {
      SliceInfo info = images.info().get(i);
      slices.add(
          new SliceReport(
              i,
              info.sourceIndex(),
              info.positionMm(),
              result.kept()[i],
              result.distances()[i],
              result.representatives()[i],
              0,
              Double.NaN,
              0,
              0,
              null));
      if ((result.flags()[i] & SegmentFlags.NON_FINITE) != 0) {
        notes.add("slice " + i + ": non-finite pixels, kept");
      }
    }
    int kept = result.keptIndices().length;
    double rate = (double) kept / images.count();
    Map<String, Double> timings = new LinkedHashMap<>();
    timings.put(Progress.ANCHOR, seconds);
    return new PruningReport(
        policy,
        slices,
        0,
        new Rates(rate, 1, rate),
        new Savings(0, 0, images.count() - kept),
        timings,
        notes);
  }
}
