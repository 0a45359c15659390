package org.medpruner.internal.ffm;

import static org.medpruner.internal.ffm.Frame.nested;
import static org.medpruner.internal.ffm.Frame.set;
import static org.medpruner.internal.ffm.Layouts.ATTENTION_MASS_PARAMS;
import static org.medpruner.internal.ffm.Layouts.CONTEXTUAL_MERGE_PARAMS;
import static org.medpruner.internal.ffm.Layouts.GATHER_ROWS_PARAMS;
import static org.medpruner.internal.ffm.Layouts.NUCLEUS_SELECT_PARAMS;
import static org.medpruner.internal.ffm.Layouts.PRUNE_PARAMS;
import static org.medpruner.internal.ffm.Layouts.SLICE_ANCHOR_PARAMS;
import static org.medpruner.internal.ffm.Layouts.SLICE_ANCHOR_PATCHES_PARAMS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.GatherRows;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.TensorView;

/** The ops on checked arguments: builds the descriptors, calls, checks the status. */
public final class NativeOps {
  static final int ANCHOR_DECIDE_ONLY = 1;

  private static final int POOLING_CONTIGUOUS = 0;
  private static final int POOLING_GRID = 1;
  private static final int SCORE_SOFTMAX = 0;
  private static final int SCORE_MASS = 1;

  private NativeOps() {}

  private static MemorySegment pointer(long address) {
    return MemorySegment.ofAddress(address);
  }

  private static MemorySegment sliceAnchorParams(Frame f, SliceAnchor.Params params) {
    return fill(f.sized(SLICE_ANCHOR_PARAMS), params);
  }

  private static MemorySegment fill(MemorySegment p, SliceAnchor.Params params) {
    set(p, SLICE_ANCHOR_PARAMS, "flags", params.decideOnly() ? ANCHOR_DECIDE_ONLY : 0);
    set(p, SLICE_ANCHOR_PARAMS, "gamma", params.gamma());
    set(p, SLICE_ANCHOR_PARAMS, "scale", params.scale());
    set(p, SLICE_ANCHOR_PARAMS, "max_gap", params.maxGap());
    return p;
  }

  private static MemorySegment sliceAnchorParams(
      Frame f, SliceAnchor.Params params, SlicePatches patches) {
    MemorySegment p = f.sized(SLICE_ANCHOR_PATCHES_PARAMS);
    fill(nested(p, SLICE_ANCHOR_PATCHES_PARAMS, "anchor", SLICE_ANCHOR_PARAMS), params);
    set(p, SLICE_ANCHOR_PATCHES_PARAMS, "patch_gamma", params.patchGamma());
    set(p, SLICE_ANCHOR_PATCHES_PARAMS, "channels", patches.channels());
    set(p, SLICE_ANCHOR_PATCHES_PARAMS, "height", patches.height());
    set(p, SLICE_ANCHOR_PATCHES_PARAMS, "width", patches.width());
    set(p, SLICE_ANCHOR_PATCHES_PARAMS, "patch_height", patches.patchHeight());
    set(p, SLICE_ANCHOR_PATCHES_PARAMS, "patch_width", patches.patchWidth());
    return p;
  }

  /** Bytes of workspace. */
  public static long sliceAnchorWorkspace(
      SliceAnchor.Params params, TensorView slices, TensorView offsets) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment bytes = f.word();
      SlicePatches patches = params.patches();
      Status.check(
          patches == null
              ? (int)
                  OpHandles.SLICE_ANCHOR_WORKSPACE.invokeExact(
                      sliceAnchorParams(f, params), f.tensor(slices), f.tensor(offsets), bytes)
              : (int)
                  OpHandles.SLICE_ANCHOR_PATCHES_WORKSPACE.invokeExact(
                      sliceAnchorParams(f, params, patches),
                      f.tensor(slices),
                      f.tensor(offsets),
                      bytes));
      return bytes.get(ValueLayout.JAVA_LONG, 0);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  /** The op, with patches or without. */
  public static void sliceAnchor(
      SliceAnchor.Params params,
      TensorView slices,
      TensorView offsets,
      SliceAnchor.Outputs out,
      TensorView workspace,
      long stream) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      SlicePatches patches = params.patches();
      Status.check(
          patches == null
              ? (int)
                  OpHandles.SLICE_ANCHOR.invokeExact(
                      sliceAnchorParams(f, params),
                      f.tensor(slices),
                      f.tensor(offsets),
                      f.tensor(out.keep()),
                      f.tensor(out.distance()),
                      f.tensor(out.representative()),
                      f.tensor(out.keptIndices()),
                      f.tensor(out.keptCounts()),
                      f.tensor(out.flags()),
                      pointer(workspace.address()),
                      workspace.elements(),
                      pointer(stream))
              : (int)
                  OpHandles.SLICE_ANCHOR_PATCHES.invokeExact(
                      sliceAnchorParams(f, params, patches),
                      f.tensor(slices),
                      f.tensor(offsets),
                      f.tensor(out.keep()),
                      f.tensor(out.distance()),
                      f.tensor(out.patchDistance()),
                      f.tensor(out.patchIndex()),
                      f.tensor(out.representative()),
                      f.tensor(out.keptIndices()),
                      f.tensor(out.keptCounts()),
                      f.tensor(out.flags()),
                      pointer(workspace.address()),
                      workspace.elements(),
                      pointer(stream)));
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  private static MemorySegment attentionMassParams(Frame f, AttentionMass.Params params) {
    return fill(f.sized(ATTENTION_MASS_PARAMS), params);
  }

  private static MemorySegment fill(MemorySegment p, AttentionMass.Params params) {
    set(p, ATTENTION_MASS_PARAMS, "scale", params.scale());
    switch (params.pooling()) {
      case AttentionMass.Contiguous c -> {
        set(p, ATTENTION_MASS_PARAMS, "pooling", POOLING_CONTIGUOUS);
        set(p, ATTENTION_MASS_PARAMS, "group", c.group());
      }
      case AttentionMass.Grid g -> {
        set(p, ATTENTION_MASS_PARAMS, "pooling", POOLING_GRID);
        set(p, ATTENTION_MASS_PARAMS, "grid_h", g.gridHeight());
        set(p, ATTENTION_MASS_PARAMS, "grid_w", g.gridWidth());
        set(p, ATTENTION_MASS_PARAMS, "block_h", g.blockHeight());
        set(p, ATTENTION_MASS_PARAMS, "block_w", g.blockWidth());
      }
    }
    return p;
  }

  /** Bytes of workspace. */
  public static long attentionMassWorkspace(
      AttentionMass.Params params, TensorView query, TensorView key, TensorView offsets) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment bytes = f.word();
      Status.check(
          (int)
              OpHandles.ATTENTION_MASS_WORKSPACE.invokeExact(
                  attentionMassParams(f, params),
                  f.tensor(query),
                  f.tensor(key),
                  f.tensor(offsets),
                  bytes));
      return bytes.get(ValueLayout.JAVA_LONG, 0);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  /** The op. */
  public static void attentionMass(
      AttentionMass.Params params,
      TensorView query,
      TensorView key,
      @Nullable TensorView lse,
      TensorView offsets,
      AttentionMass.Outputs out,
      TensorView workspace,
      long stream) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      Status.check(
          (int)
              OpHandles.ATTENTION_MASS.invokeExact(
                  attentionMassParams(f, params),
                  f.tensor(query),
                  f.tensor(key),
                  f.tensor(lse),
                  f.tensor(offsets),
                  f.tensor(out.mass()),
                  f.tensor(out.pooledKeys()),
                  f.tensor(out.flags()),
                  pointer(workspace.address()),
                  workspace.elements(),
                  pointer(stream)));
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  private static MemorySegment nucleusSelectParams(Frame f, NucleusSelect.Params params) {
    return fill(f.sized(NUCLEUS_SELECT_PARAMS), params);
  }

  private static MemorySegment fill(MemorySegment p, NucleusSelect.Params params) {
    set(
        p,
        NUCLEUS_SELECT_PARAMS,
        "score",
        switch (params.score()) {
          case SOFTMAX -> SCORE_SOFTMAX;
          case MASS -> SCORE_MASS;
        });
    set(p, NUCLEUS_SELECT_PARAMS, "tau", params.tau());
    set(p, NUCLEUS_SELECT_PARAMS, "temperature", params.temperature());
    set(p, NUCLEUS_SELECT_PARAMS, "min_tokens", params.minTokens());
    set(p, NUCLEUS_SELECT_PARAMS, "max_tokens", params.maxTokens());
    set(p, NUCLEUS_SELECT_PARAMS, "volume_min_tokens", params.volumeMinTokens());
    set(p, NUCLEUS_SELECT_PARAMS, "volume_max_tokens", params.volumeMaxTokens());
    return p;
  }

  /** Bytes of workspace. */
  public static long nucleusSelectWorkspace(
      NucleusSelect.Params params,
      TensorView scores,
      TensorView offsets,
      @Nullable TensorView volumes) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment bytes = f.word();
      Status.check(
          (int)
              OpHandles.NUCLEUS_SELECT_WORKSPACE.invokeExact(
                  nucleusSelectParams(f, params),
                  f.tensor(scores),
                  f.tensor(offsets),
                  f.tensor(volumes),
                  bytes));
      return bytes.get(ValueLayout.JAVA_LONG, 0);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  /** The op. */
  public static void nucleusSelect(
      NucleusSelect.Params params,
      TensorView scores,
      TensorView offsets,
      @Nullable TensorView volumes,
      NucleusSelect.Outputs out,
      TensorView workspace,
      long stream) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      Status.check(
          (int)
              OpHandles.NUCLEUS_SELECT.invokeExact(
                  nucleusSelectParams(f, params),
                  f.tensor(scores),
                  f.tensor(offsets),
                  f.tensor(volumes),
                  f.tensor(out.mask()),
                  f.tensor(out.keptIndices()),
                  f.tensor(out.keptCounts()),
                  f.tensor(out.keptMass()),
                  f.tensor(out.flags()),
                  pointer(workspace.address()),
                  workspace.elements(),
                  pointer(stream)));
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  private static MemorySegment contextualMergeParams(Frame f, double ratio) {
    MemorySegment p = f.sized(CONTEXTUAL_MERGE_PARAMS);
    set(p, CONTEXTUAL_MERGE_PARAMS, "ratio", ratio);
    return p;
  }

  /** Bytes of workspace. */
  public static long contextualMergeWorkspace(double ratio, TensorView keys, TensorView offsets) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment bytes = f.word();
      Status.check(
          (int)
              OpHandles.CONTEXTUAL_MERGE_WORKSPACE.invokeExact(
                  contextualMergeParams(f, ratio), f.tensor(keys), f.tensor(offsets), bytes));
      return bytes.get(ValueLayout.JAVA_LONG, 0);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  /** The op. */
  public static void contextualMerge(
      double ratio,
      @Nullable TensorView features,
      TensorView keys,
      TensorView nucleus,
      TensorView offsets,
      ContextualMerge.Outputs out,
      TensorView workspace,
      long stream) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      Status.check(
          (int)
              OpHandles.CONTEXTUAL_MERGE.invokeExact(
                  contextualMergeParams(f, ratio),
                  f.tensor(features),
                  f.tensor(keys),
                  f.tensor(nucleus),
                  f.tensor(offsets),
                  f.tensor(out.merged()),
                  f.tensor(out.role()),
                  f.tensor(out.assignment()),
                  f.tensor(out.keptIndices()),
                  f.tensor(out.keptCounts()),
                  f.tensor(out.flags()),
                  pointer(workspace.address()),
                  workspace.elements(),
                  pointer(stream)));
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  private static MemorySegment gatherRowsParams(Frame f) {
    return f.sized(GATHER_ROWS_PARAMS);
  }

  /** Bytes of workspace. */
  public static long gatherRowsWorkspace(TensorView source, TensorView offsets) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      MemorySegment bytes = f.word();
      Status.check(
          (int)
              OpHandles.GATHER_ROWS_WORKSPACE.invokeExact(
                  gatherRowsParams(f), f.tensor(source), f.tensor(offsets), bytes));
      return bytes.get(ValueLayout.JAVA_LONG, 0);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  /** The op. */
  public static void gatherRows(
      TensorView source,
      TensorView indices,
      TensorView counts,
      TensorView offsets,
      GatherRows.Outputs out,
      TensorView workspace,
      long stream) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      Status.check(
          (int)
              OpHandles.GATHER_ROWS.invokeExact(
                  gatherRowsParams(f),
                  f.tensor(source),
                  f.tensor(indices),
                  f.tensor(counts),
                  f.tensor(offsets),
                  f.tensor(out.packed()),
                  f.tensor(out.packedOffsets()),
                  f.tensor(out.flags()),
                  pointer(workspace.address()),
                  workspace.elements(),
                  pointer(stream)));
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  private static MemorySegment pruneParams(Frame f, Prune.Params params, Prune.Scores scores) {
    MemorySegment p = f.sized(PRUNE_PARAMS);
    if (scores instanceof Prune.Attended a) {
      fill(nested(p, PRUNE_PARAMS, "attention", ATTENTION_MASS_PARAMS), a.params());
    }
    fill(nested(p, PRUNE_PARAMS, "nucleus", NUCLEUS_SELECT_PARAMS), params.nucleus());
    set(
        nested(p, PRUNE_PARAMS, "merge", CONTEXTUAL_MERGE_PARAMS),
        CONTEXTUAL_MERGE_PARAMS,
        "ratio",
        params.merge().ratio());
    set(p, PRUNE_PARAMS, "dropped_tokens", params.droppedTokens());
    return p;
  }

  /** Bytes of workspace. */
  public static long pruneWorkspace(
      Prune.Params params,
      Prune.Scores scores,
      TensorView features,
      TensorView offsets,
      @Nullable TensorView volumes) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      Prune.Attended attended = scores instanceof Prune.Attended a ? a : null;
      MemorySegment bytes = f.word();
      Status.check(
          (int)
              OpHandles.PRUNE_WORKSPACE.invokeExact(
                  pruneParams(f, params, scores),
                  f.tensor(attended == null ? null : attended.query()),
                  f.tensor(attended == null ? null : attended.key()),
                  f.tensor(scores.pooledKeys()),
                  f.tensor(features),
                  f.tensor(offsets),
                  f.tensor(volumes),
                  bytes));
      return bytes.get(ValueLayout.JAVA_LONG, 0);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  /** The op. */
  public static void prune(
      Prune.Params params,
      Prune.Scores scores,
      TensorView features,
      TensorView offsets,
      @Nullable TensorView segments,
      @Nullable TensorView volumes,
      Prune.Outputs out,
      TensorView workspace,
      long stream) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      Prune.Attended attended = scores instanceof Prune.Attended a ? a : null;
      Status.check(
          (int)
              OpHandles.PRUNE.invokeExact(
                  pruneParams(f, params, scores),
                  f.tensor(attended == null ? null : attended.query()),
                  f.tensor(attended == null ? null : attended.key()),
                  f.tensor(attended == null ? null : attended.lse()),
                  f.tensor(scores.mass()),
                  f.tensor(scores.pooledKeys()),
                  f.tensor(features),
                  f.tensor(offsets),
                  f.tensor(segments),
                  f.tensor(volumes),
                  f.tensor(out.packed()),
                  f.tensor(out.packedRows()),
                  f.tensor(out.packedOffsets()),
                  f.tensor(out.role()),
                  f.tensor(out.assignment()),
                  f.tensor(out.keptMass()),
                  f.tensor(out.flags()),
                  pointer(workspace.address()),
                  workspace.elements(),
                  pointer(stream)));
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }
}
