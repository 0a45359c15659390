/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/contextual_merge/contextual_merge.cuh"

#include "common/visit.hpp"
#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/contextual_merge/grids.hpp"

namespace medpruner::cuda {
namespace {

MergeWorkspace lay_out(const ContextualMergeArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  const MergeWorkspace workspace = merge_workspace(args, layout);
  if (layout.overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "keys: its size overflows 64 bits");
  }
  *size = layout.size();
  return workspace;
}

/** The first two launches. */
template <class Unit>
void plan_and_assign(const ContextualMergeArgs& args, const MergeWorkspace& workspace, int64_t units,
                     bool copies, bool waits, Launch launch) {
  MEDPRUNER_LAUNCH(merge_plan, grid_extent(args.segments), plan_threads(args), launch.stream, args,
                   workspace);
  const dim3 grid(grid_extent(args.segments),
                  copies ? row_blocks(args.rows, args.segments, launch.device)
                         : blocks_per_segment(args.rows, args.segments, kTileTokens));
  MEDPRUNER_LAUNCH_DEPENDENT(waits, (merge_assign<Unit>), grid, kRowThreads, 0, launch.stream, args,
                             workspace, units, copies, reads_features_once(args));
}

template <class T, class Unit>
void merge(const ContextualMergeArgs& args, const MergeWorkspace& workspace, bool waits,
           Launch launch) {
  const int64_t units = row_units<T, Unit>(args.channels);
  const bool copies = units > 0 && args.merged != args.features;
  const TargetLaunch blocks(args, units, copies, launch.device);  // may refuse: before the first launch
  plan_and_assign<Unit>(args, workspace, units, copies, waits, launch);
  if (units == 0) {
    return;
  }
  MEDPRUNER_LAUNCH_DEPENDENT(waits, (merge_targets<T, Unit>), blocks.grid, blocks.threads, 0,
                             launch.stream, args, workspace, static_cast<uint32_t>(units), blocks.parts,
                             copies, reads_features_once(args));
}

template <class T>
void merge(const ContextualMergeArgs& args, const MergeWorkspace& workspace, bool waits,
           Launch launch) {
  const int64_t element = static_cast<int64_t>(sizeof(T));
  const uint64_t alignment =
      row_alignment(args.merged, args.merged_stride * element, args.features,
                    args.feature_stride * element, args.channels * element);
  if (alignment % 16 == 0) {
    merge<T, Unit16>(args, workspace, waits, launch);
  } else {
    merge<T, T>(args, workspace, waits, launch);
  }
}

}  // namespace

size_t contextual_merge_workspace(const ContextualMergeArgs& args) {
  size_t size = 0;
  lay_out(args, nullptr, &size);
  return size;
}

void contextual_merge(const ContextualMergeArgs& args, Launch launch) {
  const DeviceScope scope(launch.device);
  if (args.rows > UINT32_MAX) {
    fail(MEDPRUNER_ERR_UNSUPPORTED, "keys: more than 2^32 - 1 rows in one CUDA call");
  }
  if (args.segments == 0) {
    return;
  }
  size_t size = 0;
  const MergeWorkspace workspace = lay_out(args, args.workspace, &size);
  // The launches behind it, too, which are compiled for the same devices.
  const bool waits = waits_itself("merge_plan", merge_plan);
  if (args.merged == nullptr) {
    return plan_and_assign<Unit16>(args, workspace, 0, false, waits, launch);
  }
  visit_float(args.dtype, [&](auto stored) { merge<decltype(stored)>(args, workspace, waits, launch); });
}

}  // namespace medpruner::cuda
