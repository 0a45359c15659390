package org.medpruner;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What pruning did to one volume: the record that audits and tables are made from.
 *
 * @param policy the policy as resolved for the model (temperature filled in)
 * @param slices one entry per presented slice, in order
 * @param tokensPerSlice n, the tokens of an unpruned slice; 0 when no model was involved
 * @param rates shares kept
 * @param savings what was saved against an unpruned run
 * @param timings seconds per stage, in order of execution
 * @param flags notes for a reader ("slice 12: non-finite pixels, kept")
 */
public record PruningReport(
    PruningPolicy policy,
    List<SliceReport> slices,
    int tokensPerSlice,
    Rates rates,
    Savings savings,
    Map<String, Double> timings,
    List<String> flags) {

  /** Copies the collections; order is kept. */
  public PruningReport {
    slices = List.copyOf(slices);
    timings = Collections.unmodifiableMap(new LinkedHashMap<>(timings));
    flags = List.copyOf(flags);
  }

  /**
   * A copy with what was known before pruning began put in front.
   *
   * @param stages seconds by stage, in order; a stage this report has itself keeps its own
   * @param warnings about the input, which come before the flags of this report
   * @return a new report; this one stays as it is
   */
  public PruningReport withInput(Map<String, Double> stages, List<String> warnings) {
    Map<String, Double> allTimings = new LinkedHashMap<>(stages);
    allTimings.putAll(timings);
    List<String> allFlags = new ArrayList<>(warnings);
    allFlags.addAll(flags);
    return new PruningReport(policy, slices, tokensPerSlice, rates, savings, allTimings, allFlags);
  }

  /**
   * One slice.
   *
   * @param index 0-based, in presented order
   * @param sourceIndex 0-based index of the slice in the file along the slicing axis
   * @param positionMm position along the slicing axis in scanner millimetres, NaN when unknown
   * @param kept whether stage 1 kept it
   * @param distance mean absolute difference to the anchor, in normalised units; 0 for the first,
   *     non-finite when the pixels are
   * @param representative index of the slice that stands for it; itself when kept
   * @param nucleus number of nucleus tokens; 0 when stage 2 did not run on it
   * @param massKept share of the nucleus weights inside the nucleus, in [0, 1]; NaN when stage 2
   *     did not run on it
   * @param targets number of contextual targets
   * @param tokens tokens of this slice given to the language model
   * @param detail token-level lists, or null when stage 2 did not run on it
   */
  public record SliceReport(
      int index,
      int sourceIndex,
      double positionMm,
      boolean kept,
      double distance,
      int representative,
      int nucleus,
      double massKept,
      int targets,
      int tokens,
      @Nullable TokenDetail detail) {}

  /**
   * Token-level outcome of stage 2 for one slice; arrays are not copied and must not be changed.
   *
   * @param mass float[n], attention mass per token, mean 1
   * @param role byte[n]: {@link ContextualMerge#ROLE_MERGED}, {@link ContextualMerge#ROLE_NUCLEUS}
   *     or {@link ContextualMerge#ROLE_TARGET}
   * @param assignment int[n], index in the slice of the token that stands for each one
   * @param gridHeight rows of the token grid
   * @param gridWidth columns of the token grid
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record TokenDetail(
      float[] mass, byte[] role, int[] assignment, int gridHeight, int gridWidth) {}

  /**
   * Shares kept, each in [0, 1].
   *
   * @param slice tokens that survive stage 1 over all; kept slices / D, unless dropped slices leave
   *     a corner token
   * @param token (nucleus + targets) / n over the slices stage 2 processed; 1 when it did not run
   * @param overall visual tokens given to the language model / (D * n)
   */
  public record Rates(double slice, double token, double overall) {}

  /**
   * Savings against the unpruned prompt.
   *
   * @param prefillTokens prompt tokens not prefilled, scaffolding included
   * @param kvBytes bytes of key-value cache not held after prefill
   * @param encoderSlices slices the vision encoder did not run on
   */
  public record Savings(long prefillTokens, long kvBytes, int encoderSlices) {}
}
