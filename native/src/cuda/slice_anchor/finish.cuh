/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The end of a window: the last block to finish adds up what is left of its sums and walks. From the last sum to the end
// of this launch the next one waits, so little is done one after another.

#include <stdint.h>

#include <type_traits>

#include "cuda/common/ticket.cuh"
#include "cuda/slice_anchor/walk.cuh"

namespace medpruner::cuda {

/** All threads: last_to_arrive(), for what the block has written. */
__device__ inline bool block_is_last(unsigned* counter, unsigned count) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0) {
    last = last_to_arrive(counter, count);
  }
  __syncthreads();
  return last;
}

/** All threads: adds up the group of `chunk` if no chunk of it is left; whether that is so. */
template <class Shape>
__device__ inline bool finish_chunk(const AnchorWorkspace& workspace, int64_t chunks, int64_t chunk,
                                    ChunkTotals<Shape>* memory) {
  const int64_t group = chunk / kGroupChunks;
  const int64_t first = group * kGroupChunks;
  const int count = static_cast<int>(chunks - first < kGroupChunks ? chunks - first : kGroupChunks);
  if (!block_is_last(&workspace.arrived[group], static_cast<unsigned>(count))) {
    return false;
  }
  add_group<Shape>(workspace.chunks_of<Shape>() + first, count, memory, workspace.groups_of<Shape>() + group);
  return true;
}

/**
 * All threads of every block, when its sums are in the workspace: the last block adds them up and walks.
 * `chunk`: whose sums they are, floats only; -1: of none. `list`: this window is the last one, and the last block lists
 * the segments, which are few.
 */
template <class T, class Shape>
__device__ inline void finish_window(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                     int64_t first, int64_t chunk, bool list, Verdicts<Shape>* by,
                                     ChunkTotals<Shape>* memory) {
  constexpr bool kIntegers = std::is_integral_v<T>;
  const int thread = static_cast<int>(threadIdx.x);
  const int64_t chunks = chunk_count(args);
  AnchorState* const state = workspace.state;
  unsigned parts = gridDim.x;
  if constexpr (!kIntegers) {
    if (chunk >= 0 && !finish_chunk(workspace, chunks, chunk, memory)) {
      return;
    }
    parts = static_cast<unsigned>(gridDim.x - chunks + group_count(chunks));
  }
  if (!block_is_last(&state->finished, parts)) {
    return;
  }

  // All others are done with the state: what they added to is read and cleared without atomics.
  double total = 0;
  bool exact = true;
  if (thread < Shape::kPairs) {
    by->peaks[thread] = kNoPatch;
    if (args.with_patches) {
      by->peaks[thread] = __ldcg(&state->peaks[thread]);
      state->peaks[thread] = kNoPatch;
    }
    if constexpr (kIntegers) {
      unsigned long long sum = 0;
#pragma unroll
      for (int i = 0; i < kExactCopies; ++i) {
        sum += __ldcg(&state->exact[i][thread]);
        state->exact[i][thread] = 0;
      }
      total = static_cast<double>(sum);
    } else {
      exact = add_groups<Shape>(workspace.groups_of<Shape>(), group_count(chunks), &total);
    }
    by->distances[thread] = distance_of(args, total, args.cols);
  } else if (thread == Shape::kPairs) {
    by->specials = 0;
    if constexpr (!kIntegers) {
      by->specials = __ldcg(&state->specials);
      state->specials = 0;
    }
  }
  if (__syncthreads_and(exact ? 1 : 0) == 0) {
    if constexpr (!kIntegers) {
      total = add_chunks_in_order<Shape>(workspace.chunks_of<Shape>(), chunks, memory);
      if (thread < Shape::kPairs) {
        by->distances[thread] = distance_of(args, total, args.cols);
      }
      __syncthreads();
    }
  }
  if (thread < 32) {
    const int64_t anchor = walk_window(args, first, *by);
    if (thread == 0) {
      state->anchor = static_cast<int32_t>(anchor);
    }
  }
  if (list) {
    __shared__ uint64_t scratch[kScratch];
    __syncthreads();
    for (int64_t g = 0; g < args.segments; ++g) {
      list_segment(args, g, scratch);
    }
  }
}

}  // namespace medpruner::cuda
