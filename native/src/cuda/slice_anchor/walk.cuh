/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The chain behind the sums of a window: the walk over its distances by the block that finishes it last, the list of
// what is kept.

#include <stdint.h>

#include <type_traits>

#include "common/op_args.hpp"
#include "cuda/slice_anchor/chunks.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

/** CUDA's atomics want this one of the two 64-bit types. */
using PeakWord = unsigned long long;

/** Blocks add to one of so many copies of the sums: atomics on one address follow one another. */
constexpr int kExactCopies = 8;

constexpr int kMostPairs = ChunkWindow::kPairs;

struct AnchorState {
  unsigned long long exact[kExactCopies][kMostPairs];  // integers: the sums of the window so far
  PeakWord peaks[kMostPairs];  // with patches: the one that differs most so far
  uint32_t specials;       // bit w: row w of the window, 1 being the first, holds a NaN or infinity
  unsigned finished;       // blocks of the window
  int32_t anchor;          // row 0 of the next window
};

struct AnchorWorkspace {
  int32_t* start;      // [rows]: first row of the row's segment, -1 outside good segments
  void* chunks;        // floats only: ChunkSums of the window's pairs [chunks]
  AnchorState* state;  // but for the anchor zero between launches

  template <class Shape>
  __device__ ChunkSums<Shape::kPairs>* chunks_of() const {
    return static_cast<ChunkSums<Shape::kPairs>*>(chunks);
  }
};

/** Of a slice. */
MEDPRUNER_HD inline int64_t chunk_count(const SliceAnchorArgs& args) { return (args.cols - 1) / kChunkValues + 1; }

/** All threads of the block: the ascending list of the rows that segment g keeps. */
__device__ inline void list_segment(const SliceAnchorArgs& args, int64_t g, uint64_t* scratch) {
  int64_t begin = 0;
  int64_t end = 0;
  if (!segment_of(args.offsets, g, args.rows, &begin, &end)) {
    if (threadIdx.x == 0) {
      args.kept_counts[g] = -1;
    }
    return;
  }
  int64_t kept = 0;
  for (int64_t base = begin; base < end; base += blockDim.x) {
    const int64_t row = base + threadIdx.x;
    const bool keep = row < end && args.keep[row] != 0;
    uint32_t total = 0;
    const uint32_t rank = block_rank(keep, scratch, &total);
    if (keep) {
      args.kept_indices[begin + kept + rank] = static_cast<int32_t>(row);
    }
    kept += total;
  }
  for (int64_t at = begin + kept + threadIdx.x; at < end; at += blockDim.x) {
    args.kept_indices[at] = -1;
  }
  if (threadIdx.x == 0) {
    args.kept_counts[g] = static_cast<int32_t>(kept);
  }
}

__device__ inline float distance_of(const SliceAnchorArgs& args, double sum, int64_t values) {
  return canonical(static_cast<float>(args.scale * (sum / static_cast<double>(values))));
}

/** What the rows of a window are judged by. */
template <class Shape>
struct Verdicts {
  int32_t start[Shape::kRows + 1];  // of row w: as AnchorWorkspace::start; -1 past the end
  int64_t anchor;          // before the window
  float distances[Shape::kPairs];
  PatchKey peaks[Shape::kPairs];  // with patches
  uint32_t specials;
};

/** One thread: judges the rows of the window; the anchor for the next one, or that one's first row. */
template <class Shape>
__device__ inline int64_t walk_window(const SliceAnchorArgs& args, int64_t first,
                                      const Verdicts<Shape>& by) {
  int64_t anchor = by.anchor;
  for (int w = 1; w < Shape::kRows; ++w) {
    const int64_t row = first + w - 1;
    if (by.start[w] < 0) {
      continue;
    }
    float distance = 0;
    float patch = 0;
    int32_t index = -1;
    uint32_t flags = 0;
    bool keep = true;
    if (by.start[w] == row) {
      flags = (by.specials >> w & 1u) != 0 ? MEDPRUNER_SEGMENT_NON_FINITE : 0;
    } else {
      const int from = anchor < first ? 0 : static_cast<int>(anchor - first) + 1;
      distance = by.distances[pair(from, w)];
      if (args.with_patches) {
        patch = patch_distance(by.peaks[pair(from, w)]);
        index = patch_index(by.peaks[pair(from, w)]);
      }
      const bool abnormal = non_finite(distance) || non_finite(patch);
      flags = abnormal ? MEDPRUNER_SEGMENT_NON_FINITE : 0;
      keep = abnormal || distance > args.gamma ||
             (args.max_gap > 0 && row - anchor >= args.max_gap) ||
             (args.with_patches && patch > args.patch_gamma);
    }
    anchor = keep ? row : anchor;
    args.keep[row] = keep ? 1 : 0;
    args.representative[row] = static_cast<int32_t>(anchor);
    if (!args.decide_only) {
      args.distance[row] = distance;
      args.flags[row] = flags;
      if (args.with_patches) {
        args.patch_distance[row] = patch;
        args.patch_index[row] = index;
      }
    }
  }
  const int64_t next = first + Shape::kWindow;
  return by.start[Shape::kRows] >= 0 && by.start[Shape::kRows] < next ? anchor : next;
}

/** The rows of the window that begins at `first`, before the anchor is known. */
template <class T, class Shape>
__device__ inline WindowRows<T> window_rows(const SliceAnchorArgs& args, int64_t first) {
  WindowRows<T> rows;
  rows.stride = args.row_stride;
  rows.begin = static_cast<const T*>(args.slices) + first * args.row_stride;
  rows.anchor = rows.begin;
  rows.last = static_cast<int>(args.rows - first < Shape::kWindow ? args.rows - first : Shape::kWindow) - 1;
  return rows;
}

/** All threads: the rows' starts. */
template <class Shape>
__device__ inline void load_starts(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                   int64_t first, int64_t anchor, Verdicts<Shape>* by) {
  const int w = static_cast<int>(threadIdx.x);
  if (w == 0) {
    by->anchor = anchor;
  } else if (w <= Shape::kRows) {
    const int64_t row = first + w - 1;
    by->start[w] = row < args.rows ? __ldcg(&workspace.start[row]) : -1;
  }
}

/**
 * All threads of every block, when its sums are in the workspace: the last block adds them up and walks.
 * `list`: this window is the last one, and the last block lists the segments, which are few.
 */
template <class T, class Shape>
__device__ inline void finish_window(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                     int64_t first, bool list, Verdicts<Shape>* by,
                                     ChunkTotals<Shape>* memory) {
  __shared__ bool last;
  const int thread = static_cast<int>(threadIdx.x);
  AnchorState* const state = workspace.state;

  __syncthreads();  // the fence below is for the whole block
  if (thread == 0) {
    __threadfence();
    last = atomicInc(&state->finished, gridDim.x - 1) == gridDim.x - 1;  // the last one sets it to 0
    __threadfence();
  }
  __syncthreads();
  if (!last) {
    return;
  }

  double total = 0;
  if constexpr (!std::is_integral_v<T>) {
    total = add_chunks<Shape>(workspace.chunks_of<Shape>(), chunk_count(args), memory);
  } else if (thread < Shape::kPairs) {
    unsigned long long sum = 0;
#pragma unroll
    for (int i = 0; i < kExactCopies; ++i) {
      sum += atomicExch(&state->exact[i][thread], 0ull);
    }
    total = static_cast<double>(sum);
  }
  if (thread < Shape::kPairs) {
    by->distances[thread] = distance_of(args, total, args.cols);
    by->peaks[thread] = args.with_patches ? atomicExch(&state->peaks[thread], PeakWord{kNoPatch}) : kNoPatch;
  } else if (thread == Shape::kPairs) {
    by->specials = std::is_integral_v<T> ? 0 : atomicExch(&state->specials, 0u);
  }
  __syncthreads();
  if (thread == 0) {
    state->anchor = static_cast<int32_t>(walk_window(args, first, *by));
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
