/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// window_blocks() and run_windows() for the dtypes that the windows_<dtype>.cu instantiate it for.

#include <algorithm>

#include "cuda/common/launch.cuh"
#include "cuda/slice_anchor/patches.cuh"
#include "cuda/slice_anchor/windows.hpp"

namespace medpruner::cuda {

/** What all rows' addresses are a multiple of, as copy_unit() asks for it. */
template <class T>
int row_alignment(const SliceAnchorArgs& args) {
  const uint64_t parts = reinterpret_cast<uint64_t>(args.slices) |
                         static_cast<uint64_t>(args.row_stride) * sizeof(T);
  return parts % 16 == 0 ? 16 : (parts % 4 == 0 ? 4 : static_cast<int>(sizeof(T)));
}

template <class T>
int64_t chunk_blocks(const SliceAnchorArgs& args) {
  return chunk_count(args);
}

template <class T>
unsigned window_blocks(const SliceAnchorArgs& args) {
  return grid_extent(args.with_patches
                         ? args.grid.rows() * patch_blocks(args.grid, std::is_integral_v<T>).blocks
                         : chunk_blocks<T>(args),
                     "slices");
}

template <class T>
void run_chunk_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace, unsigned blocks,
                       bool list_last, void* stream) {
  const int alignment = row_alignment<T>(args);
  const bool waits = waits_itself("anchor_window", anchor_window<T>);
  for (int64_t first = 0; first < args.rows; first += ChunkWindow::kWindow) {
    const bool list = list_last && first + ChunkWindow::kWindow >= args.rows;
    MEDPRUNER_LAUNCH_DEPENDENT(waits, anchor_window<T>, blocks, ChunkWindow::kThreads,
                               sizeof(Ring<T>), stream, args, workspace, first, alignment, list);
  }
}

template <class T>
void run_patch_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace, unsigned blocks,
                       bool list_last, void* stream) {
  const int alignment = row_alignment<T>(args);
  const PatchBlocks cut = patch_blocks(args.grid, std::is_integral_v<T>);
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
void run_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace, unsigned blocks, bool list_last,
                 void* stream) {
  if (args.with_patches) {
    run_patch_windows<T>(args, workspace, blocks, list_last, stream);
  } else {
    run_chunk_windows<T>(args, workspace, blocks, list_last, stream);
  }
}

}  // namespace medpruner::cuda
