/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/prune/prune.cuh"

#include "common/visit.hpp"
#include "cuda/attention_mass/limits.hpp"
#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/contextual_merge/grids.hpp"
#include "cuda/nucleus_select/limits.hpp"

namespace medpruner::cuda {
namespace {

/** The areas, and behind them where attention_mass and nucleus_select have theirs, one after the other. */
struct Layout {
  PruneWorkspace workspace;
  size_t areas;
  size_t size;

  Layout(const PruneArgs& args, void* base) {
    const int64_t rows = args.merge.rows;
    const int64_t segments = args.merge.segments;
    WorkspaceLayout layout(base);
    workspace.patch_offsets = layout.take<int64_t>(args.with_query ? segments + 1 : 0);
    workspace.mass_flags = layout.take<uint32_t>(args.with_query ? segments : 0);
    workspace.mass_flags = args.with_query ? workspace.mass_flags : nullptr;
    workspace.nucleus = layout.take<uint8_t>(rows);
    workspace.kept = layout.take<int64_t>(rows);
    workspace.counts = layout.take<int64_t>(segments);
    workspace.nucleus_flags = layout.take<uint32_t>(segments);
    workspace.merge = merge_workspace(args.merge, layout);
    areas = layout.size();
    const size_t nucleus = nucleus_select_workspace(args.nucleus);
    const size_t attention = args.with_query ? attention_mass_workspace(args.attention) : 0;
    if (layout.overflow() ||
        __builtin_add_overflow(areas, nucleus > attention ? nucleus : attention, &size)) {
      fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "pooled_keys: its size overflows 64 bits");
    }
  }
};

void attend(const PruneArgs& args, const PruneWorkspace& workspace, void* scratch, Launch launch) {
  MEDPRUNER_LAUNCH(prune_patches, grid_extent(args.merge.segments), 256, launch.stream, args,
                   workspace);
  AttentionMassArgs attention = args.attention;
  attention.offsets = workspace.patch_offsets;
  attention.mass = args.mass;
  attention.pooled_keys = args.pooled_keys;
  attention.flags = workspace.mass_flags;
  attention.workspace = scratch;
  attention_mass(attention, launch);
}

void select(const PruneArgs& args, const PruneWorkspace& workspace, void* scratch, Launch launch) {
  NucleusSelectArgs nucleus = args.nucleus;
  nucleus.mask = workspace.nucleus;
  nucleus.kept_indices = workspace.kept;
  nucleus.kept_counts = workspace.counts;
  nucleus.flags = workspace.nucleus_flags;
  nucleus.workspace = scratch;
  nucleus_select(nucleus, launch);
}

template <class Unit>
void copy(const PruneArgs& args, const PruneWorkspace& workspace, int64_t units, bool few,
          bool waits, Launch launch) {
  const dim3 grid(grid_extent(args.merge.segments),
                  row_blocks(args.merge.rows, args.merge.segments, launch.device));
  MEDPRUNER_LAUNCH_DEPENDENT(waits, (prune_copy<Unit>), grid, kRowThreads, 0, launch.stream, args,
                             workspace, units, few, reads_features_once(args.merge));
}

template <class T, class Unit>
void targets(const PruneArgs& args, const PruneWorkspace& workspace, int64_t units,
             const TargetLaunch& blocks, bool waits, Launch launch) {
  MEDPRUNER_LAUNCH_DEPENDENT(waits, (prune_targets<T, Unit>), blocks.grid, blocks.threads, 0,
                             launch.stream, args, workspace, static_cast<uint32_t>(units),
                             blocks.parts, reads_features_once(args.merge));
}

/** How rows of features are packed: in units of 16 bytes or of an element. */
struct Packing {
  bool wide;
  int64_t units;  // of a row
  TargetLaunch blocks;

  Packing(const PruneArgs& args, int32_t device)
      : wide(is_wide(args)),
        units(wide ? args.merge.channels * feature_bytes(args.merge) / static_cast<int64_t>(sizeof(Unit16))
                   : args.merge.channels),
        blocks(args.merge, args.merge.rows > 0 ? units : 0, true, device) {}

 private:
  static bool is_wide(const PruneArgs& args) {
    const int64_t row_bytes = args.merge.channels * feature_bytes(args.merge);
    return row_alignment(args.packed, row_bytes, args.merge.features,
                         args.merge.feature_stride * feature_bytes(args.merge), row_bytes) %
               16 ==
           0;
  }
};

template <class T>
void pack(const PruneArgs& args, const PruneWorkspace& workspace, const Packing& packing, bool few,
          bool waits, Launch launch) {
  if (packing.wide) {
    copy<Unit16>(args, workspace, packing.units, few, waits, launch);
    targets<T, Unit16>(args, workspace, packing.units, packing.blocks, waits, launch);
  } else {
    copy<T>(args, workspace, packing.units, few, waits, launch);
    targets<T, T>(args, workspace, packing.units, packing.blocks, waits, launch);
  }
}

void select_and_pack(const PruneArgs& args, const PruneWorkspace& workspace, void* scratch,
                     Launch launch) {
  // All that can be refused, before the first launch.
  const Packing packing(args, launch.device);
  check_nucleus_extents(args.nucleus);
  if (args.with_query) {
    check_mass_extents(args.attention);
    attend(args, workspace, scratch, launch);
  }
  select(args, workspace, scratch, launch);
  // Of all launches behind the selection, which are compiled for the same devices.
  const bool waits = waits_itself("prune_plan", prune_plan);
  MEDPRUNER_LAUNCH_DEPENDENT(waits, prune_plan, grid_extent(args.merge.segments),
                             plan_threads(args.merge), 0, launch.stream, args, workspace);
  const bool few = args.merge.segments <= kFewSegments;
  if (!few) {
    MEDPRUNER_LAUNCH_DEPENDENT(waits, prune_offsets, 1, kScanThreads, 0, launch.stream, args,
                               workspace);
  }
  visit_float(args.merge.dtype, [&](auto stored) {
    pack<decltype(stored)>(args, workspace, packing, few, waits, launch);
  });
}

}  // namespace

size_t prune_workspace(const PruneArgs& args) { return Layout(args, nullptr).size; }

void prune(const PruneArgs& given, Launch launch) {
  const DeviceScope scope(launch.device);
  const Layout layout(given, given.workspace);
  const PruneWorkspace& workspace = layout.workspace;
  void* const scratch = static_cast<char*>(given.workspace) + layout.areas;
  PruneArgs args = given;
  args.merge.nucleus = workspace.nucleus;
  args.merge.kept_indices = workspace.kept;
  args.merge.flags = args.flags;
  if (args.merge.segments > 0) {
    select_and_pack(args, workspace, scratch, launch);
  } else {
    MEDPRUNER_LAUNCH(prune_offsets, 1, kScanThreads, launch.stream, args, workspace);
  }
}

}  // namespace medpruner::cuda
