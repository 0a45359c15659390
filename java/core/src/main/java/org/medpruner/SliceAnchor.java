package org.medpruner;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.NativeOps;

/**
 * Inter-slice anchor-based filtering (MedPruner, arXiv 2603.11625, stage 1): a slice is dropped
 * when its mean absolute difference to the last kept slice is at most gamma.
 *
 * {@snippet :
 * SliceAnchor.Result r = SliceAnchor.apply(voxels, depth, 0.05);
 * System.out.println(r.keptIndices().length + " of " + depth + " slices kept");
 * }
 *
 * <p>The mean of a slice cannot see what is small. With {@link Params#withPatches} a slice also
 * stays when one patch of it differs by more than a threshold of its own, at no extra pass over the
 * values.
 *
 * <p>A slice whose distance is NaN or infinite is kept and flagged. Results are bit-identical on
 * CPU, CUDA and {@link org.medpruner.oracle.SliceAnchorOracle}. Stateless; any number of threads
 * may call it at once on different outputs; {@linkplain org.medpruner what it throws and takes}.
 */
public final class SliceAnchor {
  private SliceAnchor() {}

  /** Scale of unsigned bytes that the model sees as values in [-1, 1]. */
  public static final double U8_SCALE = 1 / 127.5;

  /**
   * What decides.
   *
   * @param gamma threshold in units of the scaled values; not NaN, rounded to float; what then is
   *     below 0 keeps every slice
   * @param scale factor of the distance, finite and positive: 1 for normalised floats, {@link
   *     #U8_SCALE} for bytes shown to the model as [-1, 1]
   * @param maxGap keep at least every maxGap-th slice; 0 is off
   * @param decideOnly only the decisions, without distances and flags: the outputs are then those
   *     of {@link Outputs#decisionsIn}. They are the same bits, and reading may end as soon as they
   *     are certain
   * @param patchGamma keep a slice when the mean difference of one patch to that of the anchor is
   *     greater, in units of the scaled values; rounded to float: then 0 keeps what has a patch
   *     whose difference is not 0 as a float, below 0 keeps every slice, infinity measures only;
   *     without patches it has no meaning and is 0
   * @param patches where the patches of a slice are; null is off
   */
  public record Params(
      double gamma,
      double scale,
      long maxGap,
      boolean decideOnly,
      double patchGamma,
      @Nullable SlicePatches patches) {
    /** Checks the ranges. */
    public Params {
      Check.that(!Double.isNaN(patchGamma), "patchGamma", patchGamma, "a number");
      Check.that(patches != null || patchGamma == 0, "patchGamma", patchGamma, "0 without patches");
      Check.that(!Double.isNaN(gamma), "gamma", gamma, "a number");
      Check.that(scale > 0 && Double.isFinite(scale), "scale", scale, "finite and > 0");
      Check.that(maxGap >= 0, "maxGap", maxGap, ">= 0");
    }

    /**
     * Distances and flags too, without patches.
     *
     * @param gamma threshold in units of the scaled values; not NaN
     * @param scale factor of the distance, finite and positive
     * @param maxGap keep at least every maxGap-th slice; 0 is off
     */
    public Params(double gamma, double scale, long maxGap) {
      this(gamma, scale, maxGap, false, 0, null);
    }

    /**
     * Scale 1, no bound on the gap, no patches: normalised floats as in the paper.
     *
     * @param gamma threshold in units of the values; not NaN; negative keeps every slice
     * @return params that give distances and flags too
     * @throws IllegalArgumentException if gamma is NaN
     */
    public static Params of(double gamma) {
      return new Params(gamma, 1, 0);
    }

    /**
     * A copy with another scale.
     *
     * @param value factor of the distance, finite and positive
     * @return params that differ in this alone
     * @throws IllegalArgumentException if the value is not finite and positive
     */
    public Params withScale(double value) {
      return new Params(gamma, value, maxGap, decideOnly, patchGamma, patches);
    }

    /**
     * A copy with another bound on the gap.
     *
     * @param value keep at least every so-manieth slice, &gt;= 0; 0 is off
     * @return params that differ in this alone
     * @throws IllegalArgumentException if the value is negative
     */
    public Params withMaxGap(long value) {
      return new Params(gamma, scale, value, decideOnly, patchGamma, patches);
    }

    /** {@return a copy that only decides, for outputs of {@link Outputs#decisionsIn}} */
    public Params withDecideOnly() {
      return new Params(gamma, scale, maxGap, true, patchGamma, patches);
    }

    /**
     * A copy with the guard for small findings.
     *
     * @param threshold mean difference of one patch above which a slice stays, in units of the
     *     scaled values; not NaN
     * @param value where the patches of a slice are, not null; its size is that of a slice
     * @return params that differ in this alone
     * @throws IllegalArgumentException if the threshold is NaN or the patches are null
     */
    public Params withPatches(double threshold, SlicePatches value) {
      return new Params(
          gamma, scale, maxGap, decideOnly, threshold, Check.notNull("patches", value));
    }
  }

  /**
   * Where the results go, for D slices in G volumes.
   *
   * @param keep U8 [D], 1 = kept
   * @param distance F32 [D], to the anchor; 0 for the first slice of a volume; null to decide only
   * @param representative I32 [D]: a kept slice names itself, a dropped one the anchor that stands
   *     for it
   * @param keptIndices I32 [D]: kept slices of volume g, ascending, from offsets[g] on, then -1
   * @param keptCounts I32 [G]
   * @param flags U32 [D], bits of {@link SegmentFlags}; null to decide only
   * @param patchDistance F32 [D], the largest mean difference of a patch to that of the anchor; 0
   *     for the first slice of a volume; null without patches or to decide only
   * @param patchIndex I32 [D], the lowest patch of that distance; -1 for the first slice of a
   *     volume; null without patches or to decide only
   */
  public record Outputs(
      TensorView keep,
      @Nullable TensorView distance,
      TensorView representative,
      TensorView keptIndices,
      TensorView keptCounts,
      @Nullable TensorView flags,
      @Nullable TensorView patchDistance,
      @Nullable TensorView patchIndex) {

    /**
     * Without patches.
     *
     * @param keep U8 [D]
     * @param distance F32 [D]; null to decide only
     * @param representative I32 [D]
     * @param keptIndices I32 [D]
     * @param keptCounts I32 [G]
     * @param flags U32 [D]; null to decide only
     */
    public Outputs(
        TensorView keep,
        @Nullable TensorView distance,
        TensorView representative,
        TensorView keptIndices,
        TensorView keptCounts,
        @Nullable TensorView flags) {
      this(keep, distance, representative, keptIndices, keptCounts, flags, null, null);
    }

    /**
     * How large a buffer any of {@link #in}, {@link #patchesIn}, {@link #decisionsIn} needs at
     * most.
     *
     * @param slices D
     * @param volumes G
     * @return bytes, each output padded to a multiple of 256
     * @throws IllegalArgumentException if an extent is negative or the bytes overflow
     */
    public static long bytes(long slices, long volumes) {
      Carver c = Carver.measure();
      carve(c, slices, volumes, false, true);
      return c.used();
    }

    /**
     * All outputs without patches inside one buffer.
     *
     * @param buffer at least {@link #bytes} large, on the device of the slices; the views keep it
     *     reachable, but it stays the caller's to close
     * @param slices D
     * @param volumes G
     * @return views of the buffer; nothing is written yet
     * @throws IllegalArgumentException if an extent is negative or the buffer is too small
     * @throws IllegalStateException if the buffer is closed
     */
    public static Outputs in(NativeBuffer buffer, long slices, long volumes) {
      return carve(Carver.in(buffer), slices, volumes, false, false);
    }

    /**
     * All outputs with patches inside one buffer.
     *
     * @param buffer at least {@link #bytes} large, on the device of the slices; the views keep it
     *     reachable, but it stays the caller's to close
     * @param slices D
     * @param volumes G
     * @return views of the buffer; nothing is written yet
     * @throws IllegalArgumentException if an extent is negative or the buffer is too small
     * @throws IllegalStateException if the buffer is closed
     */
    public static Outputs patchesIn(NativeBuffer buffer, long slices, long volumes) {
      return carve(Carver.in(buffer), slices, volumes, false, true);
    }

    /**
     * The outputs of {@link Params#decideOnly} inside one buffer.
     *
     * @param buffer at least {@link #bytes} large, on the device of the slices; the views keep it
     *     reachable, but it stays the caller's to close
     * @param slices D
     * @param volumes G
     * @return views of the buffer, without distances and flags; nothing is written yet
     * @throws IllegalArgumentException if an extent is negative or the buffer is too small
     * @throws IllegalStateException if the buffer is closed
     */
    public static Outputs decisionsIn(NativeBuffer buffer, long slices, long volumes) {
      return carve(Carver.in(buffer), slices, volumes, true, false);
    }

    private static Outputs carve(
        Carver c, long slices, long volumes, boolean decideOnly, boolean patches) {
      return new Outputs(
          c.next(DType.U8, slices),
          decideOnly ? null : c.next(DType.F32, slices),
          c.next(DType.I32, slices),
          c.next(DType.I32, slices),
          c.next(DType.I32, volumes),
          decideOnly ? null : c.next(DType.U32, slices),
          patches ? c.next(DType.F32, slices) : null,
          patches ? c.next(DType.I32, slices) : null);
    }
  }

  /**
   * Bytes of workspace that {@link #run} needs for these inputs. Looks at dtypes, shapes and the
   * device alone; no element is read.
   *
   * @param params what decides
   * @param slices U8, I16, F16, BF16 or F32 [D, S], as {@link #run} takes them
   * @param offsets I64 [G+1] over the slices
   * @return bytes, possibly 0
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer is closed
   */
  public static long workspaceBytes(Params params, TensorView slices, TensorView offsets) {
    checkInputs(params, slices, offsets);
    try (Call held = Call.hold(Stream.DEFAULT, slices, offsets)) {
      return NativeOps.sliceAnchorWorkspace(params, slices, offsets);
    }
  }

  /**
   * Anchors the slices of a batch of volumes; on CUDA asynchronously on {@code stream}.
   *
   * @param params thresholds, and which outputs are wanted
   * @param slices U8, I16, F16, BF16 or F32 [D, S]; row stride any, values contiguous; S &gt;= 1
   * @param offsets I64 [G+1] over slices, ascending from 0 to D
   * @param outputs tensors on the device of the slices, compact, that overlap nothing else
   * @param workspace U8, at least {@link #workspaceBytes}, aligned to 16 bytes
   * @param stream of the slices' device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer or the stream is closed
   */
  public static void run(
      Params params,
      TensorView slices,
      TensorView offsets,
      Outputs outputs,
      TensorView workspace,
      Stream stream) {
    checkInputs(params, slices, offsets);
    Device device = slices.device();
    long d = slices.size(0);
    Check.notNull("outputs", outputs);
    Check.output("keep", outputs.keep, device, DType.U8, d);
    full("distance", outputs.distance, params, device, DType.F32, d);
    Check.output("representative", outputs.representative, device, DType.I32, d);
    Check.output("keptIndices", outputs.keptIndices, device, DType.I32, d);
    Check.output("keptCounts", outputs.keptCounts, device, DType.I32, offsets.size(0) - 1);
    full("flags", outputs.flags, params, device, DType.U32, d);
    patch("patchDistance", outputs.patchDistance, params, device, DType.F32, d);
    patch("patchIndex", outputs.patchIndex, params, device, DType.I32, d);
    Check.workspace(workspace, device);
    Check.stream(stream, device);
    try (Call held =
        Call.hold(
            stream,
            slices,
            offsets,
            outputs.keep,
            outputs.distance,
            outputs.representative,
            outputs.keptIndices,
            outputs.keptCounts,
            outputs.flags,
            outputs.patchDistance,
            outputs.patchIndex,
            workspace)) {
      NativeOps.sliceAnchor(params, slices, offsets, outputs, workspace, stream.handle());
    }
  }

  /**
   * As the other {@code run}, with a workspace that grows to what is needed.
   *
   * @param params thresholds, and which outputs are wanted
   * @param slices U8, I16, F16, BF16 or F32 [D, S]; row stride any, values contiguous; S &gt;= 1
   * @param offsets I64 [G+1] over slices, ascending from 0 to D
   * @param outputs tensors on the device of the slices, compact, that overlap nothing else
   * @param workspace on the device of the slices; not shared with a call that may run at once
   * @param stream of the slices' device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer, the workspace or the stream is closed
   * @throws MedPrunerOutOfMemoryException if the workspace cannot grow
   */
  public static void run(
      Params params,
      TensorView slices,
      TensorView offsets,
      Outputs outputs,
      Workspace workspace,
      Stream stream) {
    long bytes = workspaceBytes(params, slices, offsets);
    run(
        params,
        slices,
        offsets,
        outputs,
        Check.notNull("workspace", workspace).reserve(bytes),
        stream);
  }

  /** An output that deciding alone leaves unknown. */
  private static void full(
      String name, @Nullable TensorView t, Params params, Device device, DType dtype, long d) {
    if (!params.decideOnly) {
      Check.output(name, t, device, dtype, d);
    } else if (t != null) {
      throw Check.bad(name, "must be null, since params.decideOnly is set");
    }
  }

  /** An output of patches. */
  private static void patch(
      String name, @Nullable TensorView t, Params params, Device device, DType dtype, long d) {
    if (params.patches != null) {
      full(name, t, params, device, dtype, d);
    } else if (t != null) {
      throw Check.bad(name, "must be null, since params has no patches");
    }
  }

  private static void checkInputs(Params params, TensorView slices, TensorView offsets) {
    Check.notNull("params", params);
    DType dtype =
        Check.oneOf("slices", slices, DType.U8, DType.I16, DType.F16, DType.BF16, DType.F32);
    Device device = slices.device();
    Check.rows("slices", slices, device, dtype, Check.ANY, Check.ANY);
    Check.that(slices.size(1) >= 1, "slices", slices, "of at least one value per slice");
    if (params.patches != null) {
      long size = params.patches.size();
      Check.that(
          slices.size(1) == size, "slices", slices, size + " values per slice, as params.patches");
    }
    Check.offsets("offsets", offsets, device);
  }

  /**
   * What became of one volume.
   *
   * @param kept boolean[D]
   * @param distances float[D], to the anchor; 0 for the first slice
   * @param representatives int[D]: the slice that stands for this one; itself when kept
   * @param keptIndices the kept slices, ascending
   * @param flags int[D], bits of {@link SegmentFlags}
   * @param patchDistances float[D], the largest of a patch; 0 for the first slice; empty without
   *     patches
   * @param patchIndices int[D], the patch of that distance; -1 for the first slice; empty without
   *     patches
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(
      boolean[] kept,
      float[] distances,
      int[] representatives,
      int[] keptIndices,
      int[] flags,
      float[] patchDistances,
      int[] patchIndices) {}

  /**
   * Anchors one volume of normalised values in host memory, on the CPU.
   *
   * @param volume depth slices, one after the other
   * @param depth number of slices, at least 1; divides the volume's length
   * @param gamma threshold, see {@link Params#gamma}
   * @return new arrays
   * @throws IllegalArgumentException naming the argument at fault
   */
  public static Result apply(float[] volume, int depth, double gamma) {
    return apply(volume, depth, Params.of(gamma));
  }

  /**
   * Anchors one volume of float values in host memory, on the CPU.
   *
   * @param volume depth slices, one after the other
   * @param depth number of slices, at least 1; divides the volume's length
   * @param params without {@link Params#decideOnly}
   * @return new arrays
   * @throws IllegalArgumentException naming the argument at fault
   */
  public static Result apply(float[] volume, int depth, Params params) {
    int values = Check.notNull("volume", volume).length;
    return HostOps.sliceAnchor(params, DType.F32, values, depth, b -> b.copyFrom(volume));
  }

  /**
   * Anchors one volume of unsigned bytes in host memory, on the CPU.
   *
   * @param volume depth slices, one after the other; 0x80 is 128
   * @param depth number of slices, at least 1; divides the volume's length
   * @param params without {@link Params#decideOnly}; scale {@link #U8_SCALE} for a gamma in units
   *     of [-1, 1]
   * @return new arrays
   * @throws IllegalArgumentException naming the argument at fault
   */
  public static Result apply(byte[] volume, int depth, Params params) {
    int values = Check.notNull("volume", volume).length;
    return HostOps.sliceAnchor(params, DType.U8, values, depth, b -> b.copyFrom(volume));
  }

  /**
   * Anchors one volume of unsigned bytes in host memory, on the CPU.
   *
   * @param slices one array per slice, all of the same length; at least one
   * @param params without {@link Params#decideOnly}; scale {@link #U8_SCALE} for a gamma in units
   *     of [-1, 1]
   * @return new arrays
   * @throws IllegalArgumentException naming the argument at fault
   */
  public static Result apply(List<byte[]> slices, Params params) {
    Check.notNull("slices", slices);
    for (int i = 0; i < slices.size(); i++) {
      Check.notNull("slices[" + i + "]", slices.get(i));
    }
    return HostOps.sliceAnchor(params, slices);
  }

  /**
   * Anchors one volume of signed 16-bit values (CT numbers) in host memory, on the CPU.
   *
   * @param volume depth slices, one after the other
   * @param depth number of slices, at least 1; divides the volume's length
   * @param params without {@link Params#decideOnly}; with scale 1 gamma is in Hounsfield units
   * @return new arrays
   * @throws IllegalArgumentException naming the argument at fault
   */
  public static Result apply(short[] volume, int depth, Params params) {
    int values = Check.notNull("volume", volume).length;
    return HostOps.sliceAnchor(params, DType.I16, values, depth, b -> b.copyFrom(volume));
  }
}
