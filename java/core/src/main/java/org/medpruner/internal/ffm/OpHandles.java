package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * One method handle per op entry point, for {@link NativeOps} to call; see {@link NativeCalls} on
 * when this class may be touched.
 */
final class OpHandles {
  static final MethodHandle SLICE_ANCHOR_WORKSPACE = query("medpruner_slice_anchor_workspace", 2);
  static final MethodHandle SLICE_ANCHOR = op("medpruner_slice_anchor", 8);
  static final MethodHandle SLICE_ANCHOR_PATCHES_WORKSPACE =
      query("medpruner_slice_anchor_patches_workspace", 2);
  static final MethodHandle SLICE_ANCHOR_PATCHES = op("medpruner_slice_anchor_patches", 10);
  static final MethodHandle ATTENTION_MASS_WORKSPACE =
      query("medpruner_attention_mass_workspace", 3);
  static final MethodHandle ATTENTION_MASS = op("medpruner_attention_mass", 7);
  static final MethodHandle NUCLEUS_SELECT_WORKSPACE =
      query("medpruner_nucleus_select_workspace", 3);
  static final MethodHandle NUCLEUS_SELECT = op("medpruner_nucleus_select", 8);
  static final MethodHandle CONTEXTUAL_MERGE_WORKSPACE =
      query("medpruner_contextual_merge_workspace", 2);
  static final MethodHandle CONTEXTUAL_MERGE = op("medpruner_contextual_merge", 10);
  static final MethodHandle GATHER_ROWS_WORKSPACE = query("medpruner_gather_rows_workspace", 2);
  static final MethodHandle GATHER_ROWS = op("medpruner_gather_rows", 7);
  static final MethodHandle PRUNE_WORKSPACE = query("medpruner_prune_workspace", 6);
  static final MethodHandle PRUNE = op("medpruner_prune", 16);

  private OpHandles() {}

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
}
