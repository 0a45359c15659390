package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.ContextualMerge;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.Rates;
import org.medpruner.PruningReport.Savings;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.PruningReport.TokenDetail;
import org.medpruner.SegmentFlags;
import org.medpruner.vlm.pruning.SliceStage;
import org.medpruner.vlm.pruning.TokenStage;
import org.medpruner.volume.SliceInfo;

/** Builds reports from what the stages did. */
final class Reports {
  private Reports() {}

  /** The report of an encoded volume; prompt savings are not known yet. */
  static PruningReport of(VolumeEncoder.Outcome o) {
    int n = o.selection().tokensPerSlice();
    int depth = o.selection().slices();
    int[] processedAt = new int[depth];
    Arrays.fill(processedAt, -1);
    for (int p = 0; p < o.processed().length; p++) {
      processedAt[o.processed()[p]] = p;
    }
    List<SliceReport> slices = new ArrayList<>();
    long selected = 0;
    for (int i = 0; i < depth; i++) {
      SliceReport s = slice(o, i, processedAt[i], o.info().get(i), n);
      selected += s.nucleus() + s.targets();
      slices.add(s);
    }
    return new PruningReport(
        o.policy(),
        slices,
        n,
        rates(o, selected, n, depth),
        new Savings(0, 0, depth - o.processed().length),
        o.timings(),
        o.flags());
  }

  private static SliceReport slice(VolumeEncoder.Outcome o, int i, int p, SliceInfo info, int n) {
    TokenStage.@Nullable Result r = o.tokens();
    int nucleus = 0;
    int targets = 0;
    double massKept = Double.NaN;
    TokenDetail detail = null;
    if (r != null && p >= 0) {
      byte[] role = Arrays.copyOfRange(r.role(), p * n, (p + 1) * n);
      for (byte b : role) {
        nucleus += b == ContextualMerge.ROLE_NUCLEUS ? 1 : 0;
        targets += b == ContextualMerge.ROLE_TARGET ? 1 : 0;
      }
      massKept = r.keptMass()[p];
      detail =
          new TokenDetail(
              Arrays.copyOfRange(r.mass(), p * n, (p + 1) * n),
              role,
              Arrays.copyOfRange(r.assignment(), p * n, (p + 1) * n),
              o.grid().tokenRows(),
              o.grid().tokenColumns());
    }
    return new SliceReport(
        i,
        info.sourceIndex(),
        info.positionMm(),
        o.slices().kept()[i],
        o.slices().distance()[i],
        o.slices().representative()[i],
        nucleus,
        massKept,
        targets,
        o.selection().kept(i),
        detail);
  }

  private static Rates rates(VolumeEncoder.Outcome o, long selected, int n, int depth) {
    double all = (double) depth * n;
    long stage1 = 0;
    for (int i = 0; i < depth; i++) {
      boolean corner = o.selection().text()[i];
      stage1 += o.slices().kept()[i] ? n : corner ? 1 : 0;
    }
    double token = o.tokens() == null ? 1 : selected / ((double) o.processed().length * n);
    return new Rates(stage1 / all, token, o.selection().kept() / all);
  }

  /** The report with a question's savings and timings. */
  static PruningReport asked(PruningReport report, Savings savings, Map<String, Double> more) {
    Map<String, Double> timings = new LinkedHashMap<>(report.timings());
    timings.putAll(more);
    return new PruningReport(
        report.policy(),
        report.slices(),
        report.tokensPerSlice(),
        report.rates(),
        savings,
        timings,
        report.flags());
  }

  /** Notes for what the stages flagged. */
  static List<String> flags(
      SliceStage.Result slices, TokenStage.@Nullable Result tokens, int[] processed) {
    List<String> flags = new ArrayList<>();
    for (int i = 0; i < slices.nonFinite().length; i++) {
      if (slices.nonFinite()[i]) {
        flags.add("slice " + i + ": non-finite pixels, kept");
      }
    }
    for (int p = 0; tokens != null && p < processed.length; p++) {
      String slice = "slice " + processed[p] + ": ";
      int bits = tokens.flags()[p];
      if ((bits & SegmentFlags.NON_FINITE) != 0) {
        flags.add(slice + "non-finite attention mass, all tokens kept");
      }
      if ((bits & SegmentFlags.NEGATIVE_MASS) != 0) {
        flags.add(slice + "negative attention mass, all tokens kept");
      }
      if ((bits & SegmentFlags.ZERO_KEY) != 0) {
        flags.add(slice + "a key of zero or non-finite norm counts as unlike all others");
      }
    }
    return flags;
  }
}
