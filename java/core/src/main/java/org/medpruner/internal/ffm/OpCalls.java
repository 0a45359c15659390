package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** One method handle and one private wrapper per op entry point; see {@link NativeCalls}. */
final class OpCalls {
  private static final MethodHandle SLICE_ANCHOR_WORKSPACE =
      query("medpruner_slice_anchor_workspace", 2);
  private static final MethodHandle SLICE_ANCHOR = op("medpruner_slice_anchor", 8);
  private static final MethodHandle SLICE_ANCHOR_PATCHES_WORKSPACE =
      query("medpruner_slice_anchor_patches_workspace", 2);
  private static final MethodHandle SLICE_ANCHOR_PATCHES = op("medpruner_slice_anchor_patches", 10);
  private static final MethodHandle ATTENTION_MASS_WORKSPACE =
      query("medpruner_attention_mass_workspace", 3);
  private static final MethodHandle ATTENTION_MASS = op("medpruner_attention_mass", 7);
  private static final MethodHandle NUCLEUS_SELECT_WORKSPACE =
      query("medpruner_nucleus_select_workspace", 3);
  private static final MethodHandle NUCLEUS_SELECT = op("medpruner_nucleus_select", 8);
  private static final MethodHandle CONTEXTUAL_MERGE_WORKSPACE =
      query("medpruner_contextual_merge_workspace", 2);
  private static final MethodHandle CONTEXTUAL_MERGE = op("medpruner_contextual_merge", 10);
  private static final MethodHandle GATHER_ROWS_WORKSPACE =
      query("medpruner_gather_rows_workspace", 2);
  private static final MethodHandle GATHER_ROWS = op("medpruner_gather_rows", 7);

  private static final MethodHandle PRUNE_WORKSPACE = query("medpruner_prune_workspace", 6);
  private static final MethodHandle PRUNE = op("medpruner_prune", 16);

  private OpCalls() {}

  /** (params, tensors, size_t* bytes). */
  private static MethodHandle query(String name, int tensors) {
    return NativeCalls.handle(name, JAVA_INT, addresses(tensors + 2));
  }

  /** (params, tensors, void* workspace, size_t workspaceBytes, void* stream). */
  private static MethodHandle op(String name, int tensors) {
    MemoryLayout[] arguments = addresses(tensors + 4);
    arguments[tensors + 2] = JAVA_LONG;
    return NativeCalls.handle(name, JAVA_INT, arguments);
  }

  private static MemoryLayout[] addresses(int count) {
    MemoryLayout[] layouts = new MemoryLayout[count];
    Arrays.fill(layouts, ADDRESS);
    return layouts;
  }

  static int sliceAnchorWorkspace(
      MemorySegment params, MemorySegment slices, MemorySegment offsets, MemorySegment bytes) {
    try {
      return (int) SLICE_ANCHOR_WORKSPACE.invokeExact(params, slices, offsets, bytes);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int sliceAnchor(
      MemorySegment params,
      MemorySegment slices,
      MemorySegment offsets,
      MemorySegment keep,
      MemorySegment distance,
      MemorySegment representative,
      MemorySegment keptIndices,
      MemorySegment keptCounts,
      MemorySegment flags,
      MemorySegment workspace,
      long workspaceBytes,
      MemorySegment stream) {
    try {
      return (int)
          SLICE_ANCHOR.invokeExact(
              params,
              slices,
              offsets,
              keep,
              distance,
              representative,
              keptIndices,
              keptCounts,
              flags,
              workspace,
              workspaceBytes,
              stream);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int sliceAnchorPatchesWorkspace(
      MemorySegment params, MemorySegment slices, MemorySegment offsets, MemorySegment bytes) {
    try {
      return (int) SLICE_ANCHOR_PATCHES_WORKSPACE.invokeExact(params, slices, offsets, bytes);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int sliceAnchorPatches(
      MemorySegment params,
      MemorySegment slices,
      MemorySegment offsets,
      MemorySegment keep,
      MemorySegment distance,
      MemorySegment patchDistance,
      MemorySegment patchIndex,
      MemorySegment representative,
      MemorySegment keptIndices,
      MemorySegment keptCounts,
      MemorySegment flags,
      MemorySegment workspace,
      long workspaceBytes,
      MemorySegment stream) {
    try {
      return (int)
          SLICE_ANCHOR_PATCHES.invokeExact(
              params,
              slices,
              offsets,
              keep,
              distance,
              patchDistance,
              patchIndex,
              representative,
              keptIndices,
              keptCounts,
              flags,
              workspace,
              workspaceBytes,
              stream);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int attentionMassWorkspace(
      MemorySegment params,
      MemorySegment query,
      MemorySegment key,
      MemorySegment offsets,
      MemorySegment bytes) {
    try {
      return (int) ATTENTION_MASS_WORKSPACE.invokeExact(params, query, key, offsets, bytes);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int attentionMass(
      MemorySegment params,
      MemorySegment query,
      MemorySegment key,
      MemorySegment lse,
      MemorySegment offsets,
      MemorySegment mass,
      MemorySegment pooledKeys,
      MemorySegment flags,
      MemorySegment workspace,
      long workspaceBytes,
      MemorySegment stream) {
    try {
      return (int)
          ATTENTION_MASS.invokeExact(
              params,
              query,
              key,
              lse,
              offsets,
              mass,
              pooledKeys,
              flags,
              workspace,
              workspaceBytes,
              stream);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int nucleusSelectWorkspace(
      MemorySegment params,
      MemorySegment scores,
      MemorySegment offsets,
      MemorySegment volumes,
      MemorySegment bytes) {
    try {
      return (int) NUCLEUS_SELECT_WORKSPACE.invokeExact(params, scores, offsets, volumes, bytes);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int nucleusSelect(
      MemorySegment params,
      MemorySegment scores,
      MemorySegment offsets,
      MemorySegment volumes,
      MemorySegment mask,
      MemorySegment keptIndices,
      MemorySegment keptCounts,
      MemorySegment keptMass,
      MemorySegment flags,
      MemorySegment workspace,
      long workspaceBytes,
      MemorySegment stream) {
    try {
      return (int)
          NUCLEUS_SELECT.invokeExact(
              params,
              scores,
              offsets,
              volumes,
              mask,
              keptIndices,
              keptCounts,
              keptMass,
              flags,
              workspace,
              workspaceBytes,
              stream);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int contextualMergeWorkspace(
      MemorySegment params, MemorySegment keys, MemorySegment offsets, MemorySegment bytes) {
    try {
      return (int) CONTEXTUAL_MERGE_WORKSPACE.invokeExact(params, keys, offsets, bytes);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int contextualMerge(
      MemorySegment params,
      MemorySegment features,
      MemorySegment keys,
      MemorySegment nucleus,
      MemorySegment offsets,
      MemorySegment merged,
      MemorySegment role,
      MemorySegment assignment,
      MemorySegment keptIndices,
      MemorySegment keptCounts,
      MemorySegment flags,
      MemorySegment workspace,
      long workspaceBytes,
      MemorySegment stream) {
    try {
      return (int)
          CONTEXTUAL_MERGE.invokeExact(
              params,
              features,
              keys,
              nucleus,
              offsets,
              merged,
              role,
              assignment,
              keptIndices,
              keptCounts,
              flags,
              workspace,
              workspaceBytes,
              stream);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int gatherRowsWorkspace(
      MemorySegment params, MemorySegment source, MemorySegment offsets, MemorySegment bytes) {
    try {
      return (int) GATHER_ROWS_WORKSPACE.invokeExact(params, source, offsets, bytes);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int gatherRows(
      MemorySegment params,
      MemorySegment source,
      MemorySegment indices,
      MemorySegment counts,
      MemorySegment offsets,
      MemorySegment packed,
      MemorySegment packedOffsets,
      MemorySegment flags,
      MemorySegment workspace,
      long workspaceBytes,
      MemorySegment stream) {
    try {
      return (int)
          GATHER_ROWS.invokeExact(
              params,
              source,
              indices,
              counts,
              offsets,
              packed,
              packedOffsets,
              flags,
              workspace,
              workspaceBytes,
              stream);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int pruneWorkspace(
      MemorySegment params,
      MemorySegment query,
      MemorySegment key,
      MemorySegment pooledKeys,
      MemorySegment features,
      MemorySegment offsets,
      MemorySegment volumes,
      MemorySegment bytes) {
    try {
      return (int)
          PRUNE_WORKSPACE.invokeExact(
              params, query, key, pooledKeys, features, offsets, volumes, bytes);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }

  static int prune(
      MemorySegment params,
      MemorySegment query,
      MemorySegment key,
      MemorySegment lse,
      MemorySegment mass,
      MemorySegment pooledKeys,
      MemorySegment features,
      MemorySegment offsets,
      MemorySegment segments,
      MemorySegment volumes,
      MemorySegment packed,
      MemorySegment packedRows,
      MemorySegment packedOffsets,
      MemorySegment role,
      MemorySegment assignment,
      MemorySegment keptMass,
      MemorySegment flags,
      MemorySegment workspace,
      long workspaceBytes,
      MemorySegment stream) {
    try {
      return (int)
          PRUNE.invokeExact(
              params,
              query,
              key,
              lse,
              mass,
              pooledKeys,
              features,
              offsets,
              segments,
              volumes,
              packed,
              packedRows,
              packedOffsets,
              role,
              assignment,
              keptMass,
              flags,
              workspace,
              workspaceBytes,
              stream);
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
  }
}
