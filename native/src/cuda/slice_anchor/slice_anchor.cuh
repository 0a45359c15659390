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

/** cp_async_wait() for the stage before `later` others, fewer than the ring's. */
template <int kStages>
__device__ inline void wait_for_stage(int later) {
  if (later == kStages - 1) {
    cp_async_wait<kStages - 1>();
  } else if constexpr (kStages > 1) {
    wait_for_stage<kStages - 1>(later);
  }
}

/** The same where the copy engine copies: for stage s, with the rows of all and, for the last one, the anchors on their way. */
template <int kStages, int kStage = 0, class Filler>
__device__ inline void await_early(Filler& filler, int s) {
  if constexpr (kStage < kStages) {
    if (s == kStage) {
      filler.template await<kStage == kStages - 1 ? kStages : kStages - 1 - kStage>(s);
    } else {
      await_early<kStages, kStage + 1>(filler, s);
    }
  }
}

/** All threads: the sums of one chunk of the window's rows. */
template <class T, class Shape>
__device__ inline void sum_chunk(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                 const WindowRows<T>& rows, int64_t first, int64_t chunk,
                                 int alignment, bool bulk, Verdicts<Shape>* by, Ring<T, Shape>& ring) {
  constexpr bool kIntegers = std::is_integral_v<T>;
  constexpr int kStages = Ring<T, Shape>::kStages;
  constexpr int kEarly = kIntegers ? kStages - 1 : kStages;  // stages of rows on their way before the anchor is known
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t begin = chunk * kChunkValues;
  const int64_t end = args.cols - begin < kChunkValues ? args.cols : begin + kChunkValues;
  __shared__ uint64_t words[kStages + 1];
  RingFiller<T, Shape> filler(ring, words, rows, begin, end, alignment, bulk);
  if (filler.bulk()) {
    __syncthreads();
  }
  const int stages = filler.stages();
  const auto ask_for_anchor = [&] {
    await_former_launch();
#if !ANCHOR_ADMIT
    admit_next_launch();
#endif
    const int64_t anchor = __ldcg(&workspace.state->anchor);
    filler.set_anchor(static_cast<const T*>(args.slices) + anchor * args.row_stride + begin);
    filler.fill_anchors(kEarly);
    load_starts(args, workspace, first, anchor, by);
  };
#pragma unroll 1
  for (int s = 0; s < kEarly; ++s) {
    if (s < stages) {
      filler.fill_rows(s);
    }
    cp_async_commit();
  }
#if ANCHOR_ADMIT
  admit_next_launch();
#endif
  WarpPairs<T, Shape> pairs;
  bool starts = false;
  if constexpr (kIntegers) {
    ask_for_anchor();
  } else {
    // What the anchor takes no part in, while the former launch ends; the last of these stages, while the anchor comes.
    filler.announce(kStages);
#pragma unroll 1
    for (int s = 0; s < kStages; ++s) {
      if (s == kStages - 1) {
        ask_for_anchor();
      }
      if (!filler.bulk()) {
        if (s < kStages - 1) {
          wait_for_stage<kStages>(kStages - 1 - s);
        } else {
          cp_async_wait<kStages>();
        }
        __syncthreads();
      } else if (s < stages) {
        await_early<kStages>(filler, s);
      }
      if (s < stages) {
        pairs.template add<true, false>(ring, s);
      }
    }
  }
  if (filler.bulk()) {
    filler.await_anchors();
    __syncthreads();  // what load_starts() wrote
  }
  if constexpr (!kIntegers) {
    for (int w = 1; w < Shape::kRows; ++w) {
      starts = starts || by->start[w] == first + w - 1;
    }
  }
#pragma unroll 1
  for (int s = 0; s < stages; ++s) {
    if (!filler.bulk()) {
      cp_async_wait<kStages - 2>();
    }
    __syncthreads();
    const int next = s + kStages - 1;
    if (next >= kEarly && next < stages) {
      filler.fill(next);
    }
    cp_async_commit();
    if (filler.bulk() && (kIntegers || s >= kEarly)) {
      filler.template await<kStages - 1>(s);
    }
    if constexpr (kIntegers) {
      pairs.template add<true, true>(ring, s % kStages);
    } else {
      if (s < kStages) {
        pairs.template add<false, true>(ring, s);
      } else {
        pairs.template add<true, true>(ring, s % kStages);
      }
      if (starts) {
        pairs.look_for_specials(ring, s % kStages);
      }
    }
  }
  const auto sum = pairs.fold(stages);
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
                  bool bulk, bool list) {
  MEDPRUNER_DYNAMIC_SHARED(memory);
  __shared__ Verdicts<ChunkWindow> by;
  sum_chunk(args, workspace, window_rows<T, ChunkWindow>(args, first), first, blockIdx.x, alignment, bulk, &by,
            *reinterpret_cast<Ring<T, ChunkWindow>*>(memory));
  finish_window<T>(args, workspace, first, blockIdx.x, list, &by,
                   reinterpret_cast<ChunkTotals<ChunkWindow>*>(memory));
}

}  // namespace medpruner::cuda
