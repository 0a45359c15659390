/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/slice_anchor/patches.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

// From here on a launch of its own lists the segments, a block for each.
constexpr int64_t kFewSegments = 32;

bool integers(const SliceAnchorArgs& args) {
  return args.dtype == DType::kU8 || args.dtype == DType::kI16;
}

AnchorWorkspace lay_out(const SliceAnchorArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  AnchorWorkspace workspace;
  workspace.state = layout.take<AnchorState>(1);
  workspace.start = layout.take<int32_t>(args.rows);
  workspace.chunks =
      layout.take<ChunkSums>(integers(args) ? 0 : (args.cols - 1) / kChunkValues + 1);
  if (layout.overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "slices: its size overflows 64 bits");
  }
  *size = layout.size();
  return workspace;
}

template <class T>
void run(const SliceAnchorArgs& args, Launch launch) {
  size_t size = 0;
  const AnchorWorkspace workspace = lay_out(args, args.workspace, &size);
  const bool list_apart = args.rows == 0 || args.segments > kFewSegments;
  if (args.rows > 0) {
    MEDPRUNER_LAUNCH(anchor_prepare, 1, 1024, launch.stream, args, workspace);
    const unsigned blocks =
        grid_extent(args.with_patches ? args.grid.rows() * patch_groups(args.grid)
                                      : (args.cols - 1) / AnchorPairs<T>::kBlockValues + 1);
    const uint64_t bytes_apart = static_cast<uint64_t>(args.row_stride) * sizeof(T);
    const bool wide = (reinterpret_cast<uint64_t>(args.slices) | bytes_apart) %
                          AnchorPairs<T>::kWideBytes ==
                      0;
    for (int64_t first = 0; first < args.rows; first += kWindow) {
      const bool list = !list_apart && first + kWindow >= args.rows;
      if (args.with_patches) {
        MEDPRUNER_LAUNCH(anchor_patch_window<T>, blocks, kAnchorThreads, launch.stream, args,
                         workspace, first, wide, list);
      } else {
        MEDPRUNER_LAUNCH(anchor_window<T>, blocks, kAnchorThreads, launch.stream, args, workspace,
                         first, wide, list);
      }
    }
  }
  if (list_apart && args.segments > 0) {
    MEDPRUNER_LAUNCH(anchor_list, grid_extent(args.segments), 256, launch.stream, args);
  }
}

}  // namespace

size_t slice_anchor_workspace(const SliceAnchorArgs& args) {
  size_t size = 0;
  lay_out(args, nullptr, &size);
  return size;
}

void slice_anchor(const SliceAnchorArgs& args, Launch launch) {
  const DeviceScope scope(launch.device);
  switch (args.dtype) {
    case DType::kU8:
      return run<uint8_t>(args, launch);
    case DType::kI16:
      return run<int16_t>(args, launch);
    case DType::kF16:
      return run<Half>(args, launch);
    case DType::kBF16:
      return run<BFloat>(args, launch);
    default:
      return run<float>(args, launch);
  }
}

}  // namespace medpruner::cuda
