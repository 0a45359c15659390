/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/contextual_merge/contextual_merge.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

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

template <class T>
void write(const ContextualMergeArgs& args, const MergeWorkspace& workspace, Launch launch) {
  const dim3 grid(grid_extent(args.segments), blocks_per_segment(args.rows, args.segments, 1));
  const int64_t element = static_cast<int64_t>(sizeof(T));
  const uint64_t alignment =
      row_alignment(args.merged, args.merged_stride * element, args.features,
                    args.feature_stride * element, args.channels * element);
  if (alignment % 16 == 0) {
    MEDPRUNER_LAUNCH((merge_rows<T, Unit16>), grid, kMergeThreads, launch.stream, args, workspace);
  } else {
    MEDPRUNER_LAUNCH((merge_rows<T, T>), grid, kMergeThreads, launch.stream, args, workspace);
  }
}

}  // namespace

void launch_assign(const ContextualMergeArgs& args, const MergeWorkspace& workspace,
                   Launch launch) {
  // Blocks of 64 tokens: a segment's few hundred still fill several multiprocessors.
  const dim3 grid(grid_extent(args.segments),
                  blocks_per_segment(args.rows, args.segments, kTokens));
  MEDPRUNER_LAUNCH(merge_assign, grid, kTokens, launch.stream, args, workspace);
}

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
  MEDPRUNER_LAUNCH(merge_plan, grid_extent(args.segments), kMergeThreads, launch.stream, args,
                   workspace);
  launch_assign(args, workspace, launch);
  if (args.merged == nullptr || args.channels == 0) {
    return;
  }
  switch (args.dtype) {
    case DType::kF16:
      return write<Half>(args, workspace, launch);
    case DType::kBF16:
      return write<BFloat>(args, workspace, launch);
    default:
      return write<float>(args, workspace, launch);
  }
}

}  // namespace medpruner::cuda
