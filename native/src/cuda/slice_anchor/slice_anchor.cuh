/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K1: the chain is walked in windows of ChunkWindow::kWindow rows, one launch each. Every block sums all pairs of rows
// that the chain can ask for in the window over its part of the values; the last one to finish adds the
// parts up and walks. The next launch needs one number of it, the new anchor, and begins early: it has its
// blocks' first stages of the window's own rows on their way by then. Stream order between launches is
// the only wait. The workspace is left as the next launch needs it.

#include <stdint.h>

#include <type_traits>

#include "cuda/common/dependent.cuh"
#include "cuda/slice_anchor/walk.cuh"

namespace medpruner::cuda {

/** All threads: the sums of one chunk of the window's rows. */
template <class T>
__device__ inline void sum_chunk(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                 const WindowRows<T>& rows, int64_t first, int64_t chunk,
                                 int alignment, Verdicts<ChunkWindow>* by, Ring<T>& ring) {
  constexpr int kStages = Ring<T>::kStages;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t begin = chunk * kChunkValues;
  const int64_t end = args.cols - begin < kChunkValues ? args.cols : begin + kChunkValues;
  RingFiller<T> filler(ring, rows, begin, end, alignment);
  const int stages = filler.stages();
#pragma unroll 1
  for (int s = 0; s < kStages - 1; ++s) {
    if (s < stages) {
      filler.fill_rows(s);
    }
  }
  cp_async_commit();
  await_former_launch();
  admit_next_launch();
  const int64_t anchor = __ldcg(&workspace.state->anchor);
  filler.set_anchor(static_cast<const T*>(args.slices) + anchor * args.row_stride + begin);
#pragma unroll 1
  for (int s = 0; s < kStages - 1; ++s) {
    if (s < stages) {
      filler.fill_anchor(s);
    }
    cp_async_commit();
  }
  load_starts(args, workspace, first, anchor, by);
  bool starts = false;
  WarpPairs<T> pairs;
#pragma unroll 1
  for (int s = 0; s < stages; ++s) {
    cp_async_wait<kStages - 2>();
    __syncthreads();
    const int next = s + kStages - 1;
    if (next < stages) {
      filler.fill(next);
    }
    cp_async_commit();
    if (s == 0 && !std::is_integral_v<T>) {
      for (int w = 1; w < ChunkWindow::kRows; ++w) {
        starts = starts || by->start[w] == first + w - 1;
      }
    }
    pairs.add(ring, s % kStages, starts);
  }
  const auto sum = pairs.fold();
  if constexpr (std::is_integral_v<T>) {
    if (lane < kOwn) {
      atomicAdd(&workspace.state->exact[chunk % kExactCopies][pair_at(warp, lane)],
                static_cast<unsigned long long>(sum));
    }
  } else {
    using Sums = ChunkSums<ChunkWindow::kPairs>;
    float* const sums = workspace.chunks_of<ChunkWindow>()[chunk].pair;
    if (lane < kOwn) {
      sums[pair_at(warp, lane)] = sum;
    } else if (warp == 0 && lane < kOwn + Sums::kPadding) {
      sums[ChunkWindow::kPairs + lane - kOwn] = 0;
    }
  }
  if (pairs.specials != 0) {
    atomicOr(&workspace.state->specials, pairs.specials);
  }
}

/** The rows from `first` on, a block per chunk. `list`: as finish_window(). */
template <class T>
__global__ void __launch_bounds__(ChunkWindow::kThreads, 5)
    anchor_window(SliceAnchorArgs args, AnchorWorkspace workspace, int64_t first, int alignment,
                  bool list) {
  MEDPRUNER_DYNAMIC_SHARED(memory);
  __shared__ Verdicts<ChunkWindow> by;
  sum_chunk(args, workspace, window_rows<T, ChunkWindow>(args, first), first, blockIdx.x, alignment, &by,
            *reinterpret_cast<Ring<T>*>(memory));
  finish_window<T>(args, workspace, first, list, &by,
                   reinterpret_cast<ChunkTotals<ChunkWindow>*>(memory));
}

}  // namespace medpruner::cuda
