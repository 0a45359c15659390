/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/contextual_merge/contextual_merge.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

MergeWorkspace lay_out(const ContextualMergeArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  MergeWorkspace workspace;
  workspace.plans = layout.take<MergePlan>(args.segments);
  workspace.rest = layout.take<int64_t>(args.rows);
  workspace.slot = layout.take<int64_t>(args.rows);
  workspace.inverse = layout.take<float>(args.rows);
  if (layout.overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "keys: its size overflows 64 bits");
  }
  *size = layout.size();
  return workspace;
}

template <class T>
void merge(const ContextualMergeArgs& args, const MergeWorkspace& workspace, Launch launch) {
  const unsigned segments = grid_extent(args.segments);
  if (args.features != args.merged) {
    const unsigned rows = blocks_per_segment(args.rows, args.segments, 1);
    MEDPRUNER_LAUNCH(merge_copy<T>, dim3(segments, rows), kMergeThreads, launch.stream, args,
                     workspace);
  }
  const int64_t limit = target_limit(args.ratio, args.rows) + args.segments;
  const unsigned targets = blocks_per_segment(limit, args.segments, 1);
  MEDPRUNER_LAUNCH(merge_targets<T>, dim3(segments, targets), kMergeThreads, launch.stream, args,
                   workspace);
}

}  // namespace

size_t contextual_merge_workspace(const ContextualMergeArgs& args) {
  size_t size = 0;
  lay_out(args, nullptr, &size);
  return size;
}

void contextual_merge(const ContextualMergeArgs& args, Launch launch) {
  const DeviceScope scope(launch.device);
  if (args.segments == 0) {
    return;
  }
  size_t size = 0;
  const MergeWorkspace workspace = lay_out(args, args.workspace, &size);
  const unsigned segments = grid_extent(args.segments);
  // 64 threads: a segment's few hundred rest tokens still fill several multiprocessors.
  const dim3 tokens(segments, blocks_per_segment(args.rows, args.segments, 64));
  MEDPRUNER_LAUNCH(merge_plan, segments, kMergeThreads, launch.stream, args, workspace);
  MEDPRUNER_LAUNCH(merge_norms, tokens, 64, launch.stream, args, workspace);
  MEDPRUNER_LAUNCH(merge_assign, tokens, 64, launch.stream, args, workspace);
  MEDPRUNER_LAUNCH(merge_list, segments, kMergeThreads, launch.stream, args, workspace);
  if (args.merged == nullptr) {
    return;
  }
  switch (args.dtype) {
    case DType::kF16:
      return merge<Half>(args, workspace, launch);
    case DType::kBF16:
      return merge<BFloat>(args, workspace, launch);
    default:
      return merge<float>(args, workspace, launch);
  }
}

}  // namespace medpruner::cuda
