/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K1: the chain is walked in windows of ChunkWindow::kWindow rows, one launch each. Every block sums all pairs of rows
// that the chain can ask for in the window over its part of the values; the last one to finish adds the
// parts up and walks. The next launch needs one number of it, the new anchor, and begins early: it has its
// blocks' first stages of the window's own rows on their way by then, and of floats sums what needs no anchor. Stream
// order between launches is the only wait. The workspace is left as the next launch needs it.

#include <stdint.h>

#include <type_traits>

#include "cuda/common/dependent.cuh"
#include "cuda/slice_anchor/finish.cuh"

namespace medpruner::cuda {

/** All threads: the sums of one chunk of the window's rows. */
template <class T>
__device__ inline void sum_chunk(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                 const WindowRows<T>& rows, int64_t first, int64_t chunk,
                                 int alignment, Verdicts<ChunkWindow>* by, Ring<T>& ring) {
  constexpr bool kIntegers = std::is_integral_v<T>;
  constexpr int kStages = Ring<T>::kStages;
  // Of rows, on their way before the anchor is known. All that the ring holds, with pairs summed meanwhile and the shorter
  // end of finish.cuh, took f32 from 473 to 442 us, but u8 from 146 to 158 (tuning run on an H200): its anchor comes later.
  constexpr int kEarly = kIntegers ? kStages - 1 : kStages;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t begin = chunk * kChunkValues;
  const int64_t end = args.cols - begin < kChunkValues ? args.cols : begin + kChunkValues;
  RingFiller<T> filler(ring, rows, begin, end, alignment);
  const int stages = filler.stages();
  const auto ask_for_anchor = [&] {
    await_former_launch();
    admit_next_launch();
    const int64_t anchor = __ldcg(&workspace.state->anchor);
    filler.set_anchor(static_cast<const T*>(args.slices) + anchor * args.row_stride);
#pragma unroll 1
    for (int s = 0; s < kEarly; ++s) {
      if (s < stages) {
        filler.fill_anchor(s, s);
      }
      cp_async_commit();
    }
    load_starts(args, workspace, first, anchor, by);
  };
#pragma unroll 1
  for (int s = 0; s < kEarly; ++s) {
    if (s < stages) {
      filler.fill_rows(s, s);
    }
    cp_async_commit();
  }
  WarpPairs<T> pairs;
  bool starts = false;
  if constexpr (kIntegers) {
    ask_for_anchor();
  } else {
    // What the anchor takes no part in, while the former launch ends; the last of these stages, while the anchor comes.
    static_assert(kStages == 3, "as the waits below count");
#pragma unroll 1
    for (int s = 0; s < kStages; ++s) {
      if (s == 0) {
        cp_async_wait<kStages - 1>();
      } else if (s == 1) {
        cp_async_wait<kStages - 2>();
      } else {
        ask_for_anchor();
        cp_async_wait<kStages>();
      }
      __syncthreads();
      if (s < stages) {
        pairs.template add<true, false>(ring, s);
      }
    }
    for (int w = 1; w < ChunkWindow::kRows; ++w) {
      starts = starts || by->start[w] == first + w - 1;
    }
  }
  int slot = 0;
#pragma unroll 1
  for (int s = 0; s < stages; ++s) {
    cp_async_wait<kStages - 2>();
    __syncthreads();
    const int next = s + kStages - 1;
    if (next >= kEarly && next < stages) {
      filler.fill(next, slot == 0 ? kStages - 1 : slot - 1);
    }
    cp_async_commit();
    if constexpr (kIntegers) {
      pairs.template add<true, true>(ring, slot);
    } else {
      if (s < kStages) {
        pairs.template add<false, true>(ring, slot);
      } else {
        pairs.template add<true, true>(ring, slot);
      }
      if (starts) {
        pairs.look_for_specials(ring, slot);
      }
    }
    slot = slot + 1 < kStages ? slot + 1 : 0;
  }
  const auto sum = pairs.fold();
  if constexpr (std::is_integral_v<T>) {
    if (lane < kOwn) {
      atomicAdd(&workspace.state->exact[chunk % kExactCopies][pair_at(warp, lane)],
                static_cast<unsigned long long>(sum));
    }
  } else {
    using Sums = ChunkSums<ChunkWindow::kPairs>;
    float* const sums = workspace.chunks[chunk].pair;
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
  finish_window<T>(args, workspace, first, blockIdx.x, list, &by,
                   reinterpret_cast<ChunkTotals<ChunkWindow>*>(memory));
}

}  // namespace medpruner::cuda
