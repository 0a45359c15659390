package org.medpruner;

import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.NativeOps;

/**
 * Dynamic information nucleus selection: per segment (slice), the smallest set of tokens whose
 * cumulative weight reaches tau, in the order (score descending, index ascending). Exact integer
 * arithmetic: bit-identical on CPU, CUDA and {@link org.medpruner.oracle.NucleusSelectOracle} given
 * the same scores.
 *
 * <p>A segment with a NaN or +Inf, or with nothing but -Inf, is kept whole and flagged {@link
 * SegmentFlags#NON_FINITE}; with {@link Score#MASS} a negative value keeps it whole with {@link
 * SegmentFlags#NEGATIVE_MASS}. Such segments are outside the floors and caps. Stateless, as {@link
 * SliceAnchor}; {@linkplain org.medpruner what it throws and takes}.
 */
public final class NucleusSelect {
  private NucleusSelect() {}

  /** How scores become weights. */
  public enum Score {
    /** softmax(score / temperature), as the released code does. */
    SOFTMAX,
    /** score / sum(score): the cumulative attention itself. */
    MASS
  }

  /**
   * What is selected. Floors and caps lengthen or shorten the prefix, first per segment, then per
   * volume; 0 is off.
   *
   * @param score how scores become weights
   * @param tau share of the weights to reach, in (0, 1]; 1 keeps every token
   * @param temperature of the softmax, finite and at least 1e-300; MASS ignores it
   * @param minTokens least tokens per segment
   * @param maxTokens most tokens per segment
   * @param volumeMinTokens least tokens per volume
   * @param volumeMaxTokens most tokens per volume
   */
  public record Params(
      Score score,
      double tau,
      double temperature,
      long minTokens,
      long maxTokens,
      long volumeMinTokens,
      long volumeMaxTokens) {
    /** Checks the ranges. */
    public Params {
      Check.notNull("score", score);
      Check.that(tau > 0 && tau <= 1, "tau", tau, "in (0, 1]");
      if (score == Score.SOFTMAX) {
        Check.that(
            temperature >= 1e-300 && Double.isFinite(temperature),
            "temperature",
            temperature,
            "finite and at least 1e-300");
      }
      checkBounds("minTokens", minTokens, "maxTokens", maxTokens);
      checkBounds("volumeMinTokens", volumeMinTokens, "volumeMaxTokens", volumeMaxTokens);
    }

    private static void checkBounds(String minName, long min, String maxName, long max) {
      Check.that(min >= 0, minName, min, ">= 0");
      Check.that(max >= 0, maxName, max, ">= 0");
      Check.that(max == 0 || min <= max, minName, min, "at most " + maxName + " = " + max);
    }

    /**
     * The softmax nucleus without floors and caps.
     *
     * @param tau share of the weights to reach, in (0, 1]; 1 keeps every token
     * @param temperature finite and at least 1e-300
     * @return params of {@link Score#SOFTMAX}
     * @throws IllegalArgumentException if a value is out of range
     */
    public static Params softmax(double tau, double temperature) {
      return new Params(Score.SOFTMAX, tau, temperature, 0, 0, 0, 0);
    }

    /**
     * The nucleus of the scores themselves without floors and caps.
     *
     * @param tau share of the scores' sum to reach, in (0, 1]; 1 keeps every token
     * @return params of {@link Score#MASS}
     * @throws IllegalArgumentException if tau is out of range
     */
    public static Params mass(double tau) {
      return new Params(Score.MASS, tau, 1, 0, 0, 0, 0);
    }

    /**
     * A copy with other bounds per segment.
     *
     * @param min least tokens, &gt;= 0; 0 is off. A shorter segment is kept whole
     * @param max most tokens, at least {@code min}; 0 is off
     * @return params that differ in these bounds alone
     * @throws IllegalArgumentException if a bound is negative or they cross
     */
    public Params withTokens(long min, long max) {
      return new Params(score, tau, temperature, min, max, volumeMinTokens, volumeMaxTokens);
    }

    /**
     * A copy with other bounds per volume.
     *
     * @param min least tokens, &gt;= 0; 0 is off. A smaller volume is kept whole
     * @param max most tokens, at least {@code min}; 0 is off
     * @return params that differ in these bounds alone
     * @throws IllegalArgumentException if a bound is negative or they cross
     */
    public Params withVolumeTokens(long min, long max) {
      return new Params(score, tau, temperature, minTokens, maxTokens, min, max);
    }
  }

  /**
   * Where the results go, for N tokens in G segments.
   *
   * @param mask U8 [N], 1 = in the nucleus
   * @param keptIndices I64 [N]: rows of segment g's nucleus, ascending, from offsets[g] on, then -1
   * @param keptCounts I64 [G]
   * @param keptMass F64 [G]: kept share of the weights; 0 for an empty segment
   * @param flags U32 [G], bits of {@link SegmentFlags}
   */
  public record Outputs(
      TensorView mask,
      TensorView keptIndices,
      TensorView keptCounts,
      TensorView keptMass,
      TensorView flags) {

    /**
     * How large a buffer {@link #in} needs.
     *
     * @param tokens N
     * @param segments G
     * @return bytes, each output padded to a multiple of 256
     * @throws IllegalArgumentException if an extent is negative or the bytes overflow
     */
    public static long bytes(long tokens, long segments) {
      Carver c = Carver.measure();
      carve(c, tokens, segments);
      return c.used();
    }

    /**
     * All outputs inside one buffer.
     *
     * @param buffer at least {@link #bytes} large, on the device of the scores; the views keep it
     *     reachable, but it stays the caller's to close
     * @param tokens N
     * @param segments G
     * @return views of the buffer; nothing is written yet
     * @throws IllegalArgumentException if an extent is negative or the buffer is too small
     * @throws IllegalStateException if the buffer is closed
     */
    public static Outputs in(NativeBuffer buffer, long tokens, long segments) {
      return carve(Carver.in(buffer), tokens, segments);
    }

    private static Outputs carve(Carver c, long tokens, long segments) {
      return new Outputs(
          c.next(DType.U8, tokens),
          c.next(DType.I64, tokens),
          c.next(DType.I64, segments),
          c.next(DType.F64, segments),
          c.next(DType.U32, segments));
    }
  }

  /**
   * Bytes of workspace that {@link #run} needs for these inputs. Looks at shapes and the device
   * alone; no element is read.
   *
   * @param params what is selected
   * @param scores F32 [N], contiguous
   * @param offsets I64 [G+1] over the tokens
   * @param volumes null (all segments are one volume), or I64 [V+1] over the segments
   * @return bytes, possibly 0
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer is closed
   */
  public static long workspaceBytes(
      Params params, TensorView scores, TensorView offsets, @Nullable TensorView volumes) {
    checkInputs(params, scores, offsets, volumes);
    try (Call held = Call.hold(Stream.DEFAULT, scores, offsets, volumes)) {
      return NativeOps.nucleusSelectWorkspace(params, scores, offsets, volumes);
    }
  }

  /**
   * Selects the nuclei of a batch of segments; on CUDA asynchronously on {@code stream}.
   *
   * @param params what is selected
   * @param scores F32 [N], contiguous
   * @param offsets I64 [G+1] over the tokens, ascending from 0 to N
   * @param volumes null (all segments are one volume), or I64 [V+1] over the segments
   * @param outputs tensors on the device of the scores, compact, that overlap nothing else
   * @param workspace U8, at least {@link #workspaceBytes}, aligned to 16 bytes
   * @param stream of the scores' device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer or the stream is closed
   */
  public static void run(
      Params params,
      TensorView scores,
      TensorView offsets,
      @Nullable TensorView volumes,
      Outputs outputs,
      TensorView workspace,
      Stream stream) {
    checkInputs(params, scores, offsets, volumes);
    Device device = scores.device();
    long n = scores.size(0);
    long g = offsets.size(0) - 1;
    Check.notNull("outputs", outputs);
    Check.output("mask", outputs.mask, device, DType.U8, n);
    Check.output("keptIndices", outputs.keptIndices, device, DType.I64, n);
    Check.output("keptCounts", outputs.keptCounts, device, DType.I64, g);
    Check.output("keptMass", outputs.keptMass, device, DType.F64, g);
    Check.output("flags", outputs.flags, device, DType.U32, g);
    Check.workspace(workspace, device);
    Check.stream(stream, device);
    try (Call held =
        Call.hold(
            stream,
            scores,
            offsets,
            volumes,
            outputs.mask,
            outputs.keptIndices,
            outputs.keptCounts,
            outputs.keptMass,
            outputs.flags,
            workspace)) {
      NativeOps.nucleusSelect(
          params, scores, offsets, volumes, outputs, workspace, stream.handle());
    }
  }

  /**
   * As the other {@code run}, with a workspace that grows to what is needed.
   *
   * @param params what is selected
   * @param scores F32 [N], contiguous
   * @param offsets I64 [G+1] over the tokens, ascending from 0 to N
   * @param volumes null (all segments are one volume), or I64 [V+1] over the segments
   * @param outputs tensors on the device of the scores, compact, that overlap nothing else
   * @param workspace on the device of the scores; not shared with a call that may run at once
   * @param stream of the scores' device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if a buffer, the workspace or the stream is closed
   * @throws MedPrunerOutOfMemoryException if the workspace cannot grow
   */
  public static void run(
      Params params,
      TensorView scores,
      TensorView offsets,
      @Nullable TensorView volumes,
      Outputs outputs,
      Workspace workspace,
      Stream stream) {
    long bytes = workspaceBytes(params, scores, offsets, volumes);
    TensorView scratch = Check.notNull("workspace", workspace).reserve(bytes);
    run(params, scores, offsets, volumes, outputs, scratch, stream);
  }

  private static void checkInputs(
      Params params, TensorView scores, TensorView offsets, @Nullable TensorView volumes) {
    Check.notNull("params", params);
    Device device = Check.notNull("scores", scores).device();
    Check.compact("scores", scores, device, DType.F32, Check.ANY);
    Check.offsets("offsets", offsets, device);
    if (volumes != null) {
      Check.offsets("volumes", volumes, device);
    }
  }

  /**
   * What was selected in one segment.
   *
   * @param selected boolean[n]
   * @param keptIndices the nucleus, ascending
   * @param keptMass its share of the weights
   * @param flags bits of {@link SegmentFlags}
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Result(boolean[] selected, int[] keptIndices, double keptMass, int flags) {}

  /**
   * Selects the nucleus of one segment in host memory, on the CPU.
   *
   * @param scores float[n], one per token; may be empty
   * @param params what is selected; the segment is also the volume
   * @return new arrays of n tokens
   */
  public static Result apply(float[] scores, Params params) {
    return HostOps.nucleusSelect(params, Check.notNull("scores", scores));
  }
}
