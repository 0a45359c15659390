package org.medpruner.bench.lesion;

import java.util.ArrayList;
import java.util.List;
import org.medpruner.PruningPolicy;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;

/** One way to run stage 1. */
record Setting(PruningPolicy policy) {
  /** The settings of the study: a smaller gamma, each guard alone, then both guards. */
  static List<Setting> all() {
    List<Setting> all = new ArrayList<>();
    all.add(new Setting(PruningPolicy.PAPER));
    for (double gamma : new double[] {0.04, 0.03, 0.02}) {
      all.add(new Setting(PruningPolicy.PAPER.withGamma(gamma)));
    }
    for (double patchGamma : new double[] {0.8, 0.6, 0.5, 0.4, 0.3, 0.2}) {
      all.add(new Setting(PruningPolicy.PAPER.withPatchGamma(patchGamma)));
    }
    for (int gap : new int[] {8, 4, 2}) {
      all.add(new Setting(PruningPolicy.PAPER.withMaxGapSlices(gap)));
    }
    for (double mm : new double[] {10, 5}) {
      all.add(new Setting(PruningPolicy.PAPER.toBuilder().maxGapMm(mm).build()));
    }
    for (double patchGamma : new double[] {0.6, 0.4, 0.3}) {
      all.add(new Setting(PruningPolicy.PAPER.withMaxGapSlices(4).withPatchGamma(patchGamma)));
    }
    return all;
  }

  /** Runs stage 1 on pictures of {@link Subject}. */
  SliceAnchor.Result run(List<byte[]> pictures, int channels, double spacingMm) {
    SliceAnchor.Params params =
        SliceAnchor.Params.of(policy.gamma())
            .withScale(SliceAnchor.U8_SCALE)
            .withMaxGap(policy.maxGap(spacingMm));
    if (policy.patchGamma() > 0) {
      params =
          params.withPatches(
              policy.patchGamma(),
              SlicePatches.interleaved(
                  Subject.SIDE, Subject.SIDE, channels, Subject.PATCH, Subject.PATCH));
    }
    return SliceAnchor.apply(pictures, params);
  }

  @Override
  public String toString() {
    StringBuilder s = new StringBuilder("gamma " + policy.gamma());
    if (policy.maxGapSlices() > 0) {
      s.append(", maxGap ").append(policy.maxGapSlices());
    }
    if (policy.maxGapMm() > 0) {
      s.append(", maxGap ").append(policy.maxGapMm()).append(" mm");
    }
    if (policy.patchGamma() > 0) {
      s.append(", patchGamma ").append(policy.patchGamma());
    }
    return s.toString();
  }
}
