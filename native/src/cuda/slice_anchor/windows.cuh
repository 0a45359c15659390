/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// run_windows() for the dtypes that the windows_<dtype>.cu instantiate it for.

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
void run_chunk_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace, bool list_last,
                       void* stream) {
  const int alignment = row_alignment<T>(args);
  const size_t shared = std::is_integral_v<T> ? sizeof(Ring<T, ChunkWindow>)
                                              : std::max(sizeof(Ring<T, ChunkWindow>), sizeof(ChunkTotals<ChunkWindow>));
  const bool waits = waits_itself("anchor_window", anchor_window<T>);
  for (int64_t first = 0; first < args.rows; first += ChunkWindow::kWindow) {
    const bool list = list_last && first + ChunkWindow::kWindow >= args.rows;
    MEDPRUNER_LAUNCH_DEPENDENT(waits, anchor_window<T>, grid_extent(chunk_count(args)),
                               ChunkWindow::kThreads, shared, stream, args, workspace,
                               first, alignment, ANCHOR_BULK && waits, list);
  }
}

template <class T>
void run_patch_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                       bool list_last, void* stream) {
  const int alignment = row_alignment<T>(args);
  const PatchBlocks cut = patch_blocks(args.grid, std::is_integral_v<T>);
  const unsigned blocks = grid_extent(args.grid.rows() * cut.blocks);
  const size_t shared = std::is_integral_v<T> ? sizeof(PatchMemory<T>)
                                              : std::max(sizeof(PatchMemory<T>), sizeof(Ring<T, PatchWindow>));
  const bool waits = waits_itself("anchor_patch_window", anchor_patch_window<T>);
  for (int64_t first = 0; first < args.rows; first += PatchWindow::kWindow) {
    const bool list = list_last && first + PatchWindow::kWindow >= args.rows;
    MEDPRUNER_LAUNCH_DEPENDENT(waits, anchor_patch_window<T>, blocks, PatchWindow::kThreads, shared,
                               stream, args, workspace, first, cut, alignment, ANCHOR_BULK && waits, list);
  }
}

template <class T>
void run_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace, bool list_last,
                 void* stream) {
  if (args.with_patches) {
    run_patch_windows<T>(args, workspace, list_last, stream);
  } else {
    run_chunk_windows<T>(args, workspace, list_last, stream);
  }
}

}  // namespace medpruner::cuda
