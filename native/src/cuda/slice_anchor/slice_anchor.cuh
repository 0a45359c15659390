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
#include "cuda/slice_anchor/finish.cuh"

namespace medpruner::cuda {

/** Values of a row that a block has: a chunk of floats; of integers, which add up in any order, what its ring holds. */
template <class T>
constexpr int kBlockValues = std::is_integral_v<T>
                                 ? Ring<T, ChunkWindow>::kStages * Ring<T, ChunkWindow>::kStageBytes / static_cast<int>(sizeof(T))
                                 : kChunkValues;

/** cp_async_wait() for the stage before `later` others, fewer than the ring's. */
template <int kStages>
__device__ inline void wait_for_stage(int later) {
  if (later == kStages - 1) {
    cp_async_wait<kStages - 1>();
  } else if constexpr (kStages > 1) {
    wait_for_stage<kStages - 1>(later);
  }
}

/** All threads: the sums of part `chunk` of the window's rows, of kBlockValues values. */
template <class T, class Shape>
__device__ inline void sum_chunk(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                 const WindowRows<T>& rows, int64_t first, int64_t chunk,
                                 int alignment, Verdicts<Shape>* by, Ring<T, Shape>& ring) {
  constexpr int kStages = Ring<T, Shape>::kStages;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t begin = chunk * kBlockValues<T>;
  const int64_t end = args.cols - begin < kBlockValues<T> ? args.cols : begin + kBlockValues<T>;
  RingFiller<T, Shape> filler(ring, rows, begin, end, alignment);
  const int stages = filler.stages();
#pragma unroll 1
  for (int s = 0; s < kStages; ++s) {
    if (s < stages) {
      filler.fill_rows(s);
    }
    cp_async_commit();
  }
  // Before the anchor is known, what it takes no part in: the former launch ends meanwhile. The last of these stages
  // comes behind the wait and hides how long the anchor takes to come.
  filler.announce(kStages);
#if ANCHOR_ADMIT
  admit_next_launch();
#endif
  WarpPairs<T, Shape> pairs;
#pragma unroll 1
  for (int s = 0; s < kStages; ++s) {
    if (s < kStages - 1) {
      wait_for_stage<kStages>(kStages - 1 - s);
    } else {
      await_former_launch();
#if !ANCHOR_ADMIT
      admit_next_launch();
#endif
      const int64_t anchor = __ldcg(&workspace.state->anchor);
      filler.set_anchor(static_cast<const T*>(args.slices) + anchor * args.row_stride + begin);
#pragma unroll 1
      for (int a = 0; a < kStages; ++a) {
        if (a < stages) {
          filler.fill_anchor(a);
        }
        cp_async_commit();
      }
      load_starts(args, workspace, first, anchor, by);
      cp_async_wait<kStages>();
    }
    __syncthreads();
    if (s < stages) {
      pairs.template add<true, false>(ring, s);
    }
  }
  bool starts = false;
  for (int w = 1; !std::is_integral_v<T> && w < Shape::kRows; ++w) {
    starts = starts || by->start[w] == first + w - 1;
  }
#pragma unroll 1
  for (int s = 0; s < stages; ++s) {
    cp_async_wait<kStages - 2>();
    __syncthreads();
    const int next = s + kStages - 1;
    if (s > 0 && next < stages) {
      filler.fill(next);
    }
    cp_async_commit();
    if (s < kStages) {
      pairs.template add<false, true>(ring, s);
    } else {
      pairs.template add<true, true>(ring, s % kStages);
    }
    if constexpr (!std::is_integral_v<T>) {
      if (starts) {
        pairs.look_for_specials(ring, s % kStages);
      }
    }
  }
  const auto sum = pairs.fold();
  const WarpGroups<Shape> groups(warp);
  if constexpr (std::is_integral_v<T>) {
    if (lane < groups.places) {
      atomicAdd(&workspace.state->exact[chunk % kExactCopies][pair_at(groups, lane)],
                static_cast<unsigned long long>(sum));
    }
  } else {
    using Sums = ChunkSums<Shape::kPairs>;
    float* const sums = workspace.chunks_of<Shape>()[chunk].pair;
    if (lane < groups.places) {
      sums[pair_at(groups, lane)] = sum;
    } else if (warp == 0 && lane < kOwn + Sums::kPadding) {
      sums[Shape::kPairs + lane - kOwn] = 0;
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
            *reinterpret_cast<Ring<T, ChunkWindow>*>(memory));
  finish_window<T>(args, workspace, first, blockIdx.x, list, &by,
                   reinterpret_cast<ChunkTotals<ChunkWindow>*>(memory));
}

}  // namespace medpruner::cuda
