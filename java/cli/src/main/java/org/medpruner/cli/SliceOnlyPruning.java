package org.medpruner.cli;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.Rates;
import org.medpruner.PruningReport.Savings;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.SegmentFlags;
import org.medpruner.SliceAnchor;
import org.medpruner.Stream;
import org.medpruner.Workspace;
import org.medpruner.vlm.Progress;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/**
 * Stage 1 alone, on 8-bit pictures at their own resolution, with no model. Distances are in the
 * units of pixels normalised to [-1, 1], so that gamma means what it means with a model.
 */
final class SliceOnlyPruning {
  private SliceOnlyPruning() {}

  /**
   * Anchors the slices.
   *
   * @throws IllegalArgumentException if a bound in millimetres is set and the spacing is unknown
   */
  static PruningReport run(SliceImages images, PruningPolicy policy, Progress progress) {
    int slices = images.count();
    long values = (long) images.height() * images.width() * 3;
    // A negative threshold keeps every slice and still measures its distance.
    double gamma = policy.sliceAnchoring() ? policy.gamma() : -1;
    SliceAnchor.Params params =
        new SliceAnchor.Params(gamma, SliceAnchor.U8_SCALE, maxGap(images, policy));
    byte[] keep = new byte[slices];
    float[] distance = new float[slices];
    int[] representative = new int[slices];
    int[] flags = new int[slices];
    progress.update("anchor", 0, slices);
    long start = System.nanoTime();
    try (NativeBuffer pixels = NativeBuffer.allocate(Device.CPU, slices * values);
        NativeBuffer offsets = NativeBuffer.allocate(Device.CPU, DType.I64, 2);
        NativeBuffer results =
            NativeBuffer.allocate(Device.CPU, SliceAnchor.Outputs.bytes(slices, 1));
        Workspace workspace = Workspace.create(Device.CPU)) {
      for (int i = 0; i < slices; i++) {
        pixels.copyFrom(MemorySegment.ofArray(images.pixels().get(i)), i * values);
      }
      offsets.copyFrom(new long[] {0, slices});
      SliceAnchor.Outputs outputs = SliceAnchor.Outputs.in(results, slices, 1);
      SliceAnchor.run(
          params,
          pixels.view(DType.U8, slices, values),
          offsets.view(DType.I64, 2),
          outputs,
          workspace,
          Stream.DEFAULT);
      read(results, outputs.keep().address(), outputs, MemorySegment.ofArray(keep));
      read(results, outputs.distance().address(), outputs, MemorySegment.ofArray(distance));
      read(
          results,
          outputs.representative().address(),
          outputs,
          MemorySegment.ofArray(representative));
      read(results, outputs.flags().address(), outputs, MemorySegment.ofArray(flags));
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    progress.update("anchor", slices, slices);
    return report(images, policy, keep, distance, representative, flags, seconds);
  }

  /** Outputs lie inside one buffer, the first of them at its beginning. */
  private static void read(
      NativeBuffer buffer, long address, SliceAnchor.Outputs outputs, MemorySegment to) {
    buffer.copyTo(to, address - outputs.keep().address());
  }

  private static long maxGap(SliceImages images, PruningPolicy policy) {
    long gap = policy.maxGapSlices();
    double mm = policy.maxGapMm();
    if (mm > 0) {
      double spacing = images.spacingMm();
      if (!(spacing > 0)) {
        throw new IllegalArgumentException(
            "--max-gap-mm = " + mm + ", but the volume does not say its spacing; use --max-gap");
      }
      long slices = Math.max(1, (long) Math.floor(mm / spacing));
      gap = gap == 0 ? slices : Math.min(gap, slices);
    }
    return gap;
  }

  private static PruningReport report(
      SliceImages images,
      PruningPolicy policy,
      byte[] keep,
      float[] distance,
      int[] representative,
      int[] flags,
      double seconds) {
    List<SliceReport> slices = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    int kept = 0;
    for (int i = 0; i < keep.length; i++) {
      SliceInfo info = images.info().get(i);
      kept += keep[i];
      slices.add(
          new SliceReport(
              i,
              info.sourceIndex(),
              info.positionMm(),
              keep[i] != 0,
              distance[i],
              representative[i],
              0,
              Double.NaN,
              0,
              0,
              null));
      if ((flags[i] & SegmentFlags.NON_FINITE) != 0) {
        notes.add("slice " + i + ": non-finite pixels, kept");
      }
    }
    double rate = (double) kept / keep.length;
    Map<String, Double> timings = new LinkedHashMap<>();
    timings.put("anchor", seconds);
    return new PruningReport(
        policy,
        slices,
        0,
        new Rates(rate, 1, rate),
        new Savings(0, 0, keep.length - kept),
        timings,
        notes);
  }
}
