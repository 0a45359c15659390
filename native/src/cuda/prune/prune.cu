/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/prune/prune.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/contextual_merge/grids.hpp"

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
void targets(const PruneArgs& args, const PruneWorkspace& workspace, bool waits, Launch launch) {
  const int64_t units = row_units<T, Unit>(args.merge.channels);
  const TargetLaunch blocks(args.merge, units, true, launch.device);
  MEDPRUNER_LAUNCH_DEPENDENT(waits, (prune_targets<T, Unit>), blocks.grid, blocks.threads, 0,
                             launch.stream, args, workspace, static_cast<uint32_t>(units),
                             blocks.parts, reads_features_once(args.merge));
}

template <class T>
void pack(const PruneArgs& args, const PruneWorkspace& workspace, bool few, bool waits,
          Launch launch) {
  const int64_t channels = args.merge.channels;
  const int64_t element = static_cast<int64_t>(sizeof(T));
  const uint64_t alignment = row_alignment(args.packed, channels * element, args.merge.features,
                                           args.merge.feature_stride * element, channels * element);
  if (alignment % 16 == 0) {
    copy<Unit16>(args, workspace, row_units<T, Unit16>(channels), few, waits, launch);
    targets<T, Unit16>(args, workspace, waits, launch);
  } else {
    copy<T>(args, workspace, channels, few, waits, launch);
    targets<T, T>(args, workspace, waits, launch);
  }
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
  // Of all launches behind the selection, which are compiled for the same devices.
  const bool waits = args.merge.segments > 0 && waits_itself("prune_plan", prune_plan);
  if (args.merge.segments > 0) {
    if (args.with_query) {
      attend(args, workspace, scratch, launch);
    }
    select(args, workspace, scratch, launch);
    MEDPRUNER_LAUNCH_DEPENDENT(waits, prune_plan, grid_extent(args.merge.segments),
                               plan_threads(args.merge), 0, launch.stream, args, workspace);
  }
  const bool few = args.merge.segments > 0 && args.merge.segments <= kFewSegments;
  if (!few) {
    MEDPRUNER_LAUNCH_DEPENDENT(waits, prune_offsets, 1, kScanThreads, 0, launch.stream, args,
                               workspace);
  }
  if (args.merge.segments == 0) {
    return;
  }
  switch (args.merge.dtype) {
    case DType::kF16:
      return pack<Half>(args, workspace, few, waits, launch);
    case DType::kBF16:
      return pack<BFloat>(args, workspace, few, waits, launch);
    default:
      return pack<float>(args, workspace, few, waits, launch);
  }
}

}  // namespace medpruner::cuda
