/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/slice_anchor/patches.cuh"

#include <algorithm>

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/slice_anchor/shorts.cuh"

namespace medpruner::cuda {
namespace {

// From here on a launch of its own lists the segments, a block for each.
constexpr int64_t kFewSegments = 32;

bool integers(const SliceAnchorArgs& args) {
  return args.dtype == DType::kU8 || args.dtype == DType::kI16;
}

int64_t chunks_of(const SliceAnchorArgs& args) { return (args.cols - 1) / kChunkValues + 1; }

AnchorWorkspace lay_out(const SliceAnchorArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  AnchorWorkspace workspace;
  workspace.state = layout.take<AnchorState>(1);
  workspace.start = layout.take<int32_t>(args.rows);
  workspace.chunks = layout.take<ChunkSums<ChunkWindow::kPairs>>(integers(args) ? 0 : chunks_of(args));
  if (layout.overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "slices: its size overflows 64 bits");
  }
  *size = layout.size();
  return workspace;
}

/** What all rows' addresses are a multiple of, as copy_unit() asks for it. */
template <class T>
int alignment_of(const SliceAnchorArgs& args) {
  const uint64_t parts = reinterpret_cast<uint64_t>(args.slices) |
                         static_cast<uint64_t>(args.row_stride) * sizeof(T);
  return parts % 16 == 0 ? 16 : (parts % 4 == 0 ? 4 : static_cast<int>(sizeof(T)));
}

template <class T>
void run_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace, bool list_last,
                 void* stream) {
  const int alignment = alignment_of<T>(args);
  const bool waits = waits_itself("anchor_window", anchor_window<T>);
  for (int64_t first = 0; first < args.rows; first += ChunkWindow::kWindow) {
    const bool list = list_last && first + ChunkWindow::kWindow >= args.rows;
    MEDPRUNER_LAUNCH_DEPENDENT(waits, anchor_window<T>, grid_extent(chunks_of(args)),
                               ChunkWindow::kThreads, sizeof(Ring<T>), stream, args, workspace,
                               first, alignment, list);
  }
}

void run_short_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                       bool list_last, void* stream) {
  const int alignment = alignment_of<int16_t>(args);
  const unsigned blocks = grid_extent((args.cols - 1) / ShortPairs::kBlockValues + 1);
  const bool waits = waits_itself("anchor_short_window", anchor_short_window);
  for (int64_t first = 0; first < args.rows; first += ShortWindow::kWindow) {
    const bool list = list_last && first + ShortWindow::kWindow >= args.rows;
    MEDPRUNER_LAUNCH_DEPENDENT(waits, anchor_short_window, blocks, ShortWindow::kThreads, 0, stream,
                               args, workspace, first, alignment, list);
  }
}

template <class T>
void run_patch_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                       bool list_last, void* stream) {
  const int alignment = alignment_of<T>(args);
  const PatchBlocks cut = patch_blocks(args.grid, std::is_integral_v<T>);
  const unsigned blocks = grid_extent(args.grid.rows() * cut.blocks);
  const size_t shared = std::is_integral_v<T> ? sizeof(PatchMemory<T>)
                                              : std::max(sizeof(PatchMemory<T>), sizeof(Ring<T>));
  const bool waits = waits_itself("anchor_patch_window", anchor_patch_window<T>);
  for (int64_t first = 0; first < args.rows; first += ChunkWindow::kWindow) {
    const bool list = list_last && first + ChunkWindow::kWindow >= args.rows;
    MEDPRUNER_LAUNCH_DEPENDENT(waits, anchor_patch_window<T>, blocks, ChunkWindow::kThreads, shared,
                               stream, args, workspace, first, cut, alignment, list);
  }
}

template <class T>
void run(const SliceAnchorArgs& args, Launch launch) {
  size_t size = 0;
  const AnchorWorkspace workspace = lay_out(args, args.workspace, &size);
  const bool list_apart = args.rows == 0 || args.segments > kFewSegments;
  if (args.rows > 0) {
    MEDPRUNER_LAUNCH(anchor_prepare, 1, 1024, launch.stream, args, workspace);
    if (args.with_patches) {
      run_patch_windows<T>(args, workspace, !list_apart, launch.stream);
    } else if constexpr (std::is_same_v<T, int16_t>) {
      run_short_windows(args, workspace, !list_apart, launch.stream);
    } else {
      run_windows<T>(args, workspace, !list_apart, launch.stream);
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
