/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K1: the chain is walked in windows of kWindow rows, one launch each. Every block sums all pairs of rows
// that the chain can ask for in the window over its part of the values; the last one to finish adds the
// parts up and walks. The next launch finds the new anchor in `representative`: stream order between
// launches is the only wait. The workspace is left as the next launch needs it.

#include <math.h>
#include <stdint.h>

#include <type_traits>

#include "common/op_args.hpp"
#include "cuda/slice_anchor/pairs.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

/** Sums of the pairs over one chunk. */
struct alignas(16) ChunkSums {
  float pair[kPairs];
};
constexpr int kQuadsPerChunk = static_cast<int>(sizeof(ChunkSums) / sizeof(float4));
static_assert(sizeof(ChunkSums) == kQuadsPerChunk * sizeof(float4), "moved 16 bytes at a time");

/** Chunks that are added from shared memory at once, while the next ones are on their way. */
constexpr int kChunkTile = 64;
constexpr int kTileQuads = kChunkTile * kQuadsPerChunk;
constexpr int kQuadsPerThread = (kTileQuads - 1) / kAnchorThreads + 1;

/** CUDA's atomics want this one of the two 64-bit types. */
using PeakWord = unsigned long long;

struct AnchorState {
  unsigned long long exact[kPairs];  // integers: the sums of the window so far
  PeakWord peaks[kPairs];            // with patches: the one that differs most so far
  uint32_t specials;                 // bit w: row w of the window, 1 being the first, holds a NaN or infinity
  unsigned finished;                 // blocks of the window
};

struct AnchorWorkspace {
  int32_t* start;      // [rows]: first row of the row's segment, -1 outside good segments
  ChunkSums* chunks;   // [chunks], floats only
  AnchorState* state;  // zero between launches
};

/** One block. */
__global__ void anchor_prepare(SliceAnchorArgs args, AnchorWorkspace workspace) {
  for (int64_t row = threadIdx.x; row < args.rows; row += blockDim.x) {
    workspace.start[row] = -1;
  }
  if (threadIdx.x < kPairs) {
    workspace.state->exact[threadIdx.x] = 0;
    workspace.state->peaks[threadIdx.x] = kNoPatch;
  } else if (threadIdx.x == kPairs) {
    workspace.state->specials = 0;
    workspace.state->finished = 0;
  }
  __syncthreads();
  for (int64_t g = threadIdx.x; g < args.segments; g += blockDim.x) {
    int64_t begin = 0;
    int64_t end = 0;
    if (segment_of(args.offsets, g, args.rows, &begin, &end)) {
      for (int64_t row = begin; row < end; ++row) {
        workspace.start[row] = static_cast<int32_t>(begin);
      }
    }
  }
}

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

/** One block per segment. */
__global__ void anchor_list(SliceAnchorArgs args) {
  __shared__ uint64_t scratch[kScratch];
  list_segment(args, blockIdx.x, scratch);
}

/** All threads: the sums of thread p < kPairs over all chunks, added in order. */
__device__ inline double add_chunks(const ChunkSums* sums, int64_t chunks) {
  __shared__ __align__(16) float tiles[2][kChunkTile * kPairs];
  const float4* const quads = reinterpret_cast<const float4*>(sums);
  const int thread = static_cast<int>(threadIdx.x);
  float4 next[kQuadsPerThread];
  const auto load = [&](int64_t first) {
#pragma unroll
    for (int i = 0; i < kQuadsPerThread; ++i) {
      const int quad = i * kAnchorThreads + thread;
      const int64_t at = first * kQuadsPerChunk + quad;
      if (quad < kTileQuads && at < chunks * kQuadsPerChunk) {
        next[i] = quads[at];
      }
    }
  };
  double total = 0;
  load(0);
  // One barrier per tile is enough: a tile is written again after the barrier of the other one, which its
  // readers have passed by then.
  int side = 0;
  for (int64_t first = 0; first < chunks; first += kChunkTile, side = 1 - side) {
#pragma unroll
    for (int i = 0; i < kQuadsPerThread; ++i) {
      const int quad = i * kAnchorThreads + thread;
      if (quad < kTileQuads && first * kQuadsPerChunk + quad < chunks * kQuadsPerChunk) {
        reinterpret_cast<float4*>(tiles[side])[quad] = next[i];
      }
    }
    __syncthreads();
    load(first + kChunkTile);
    if (thread < kPairs) {
      const int count = static_cast<int>(chunks - first < kChunkTile ? chunks - first : kChunkTile);
#pragma unroll 8
      for (int c = 0; c < count; ++c) {
        total += static_cast<double>(tiles[side][c * kPairs + thread]);
      }
    }
  }
  return total;
}

__device__ inline float distance_of(const SliceAnchorArgs& args, double sum, int64_t values) {
  return canonical(static_cast<float>(args.scale * (sum / static_cast<double>(values))));
}

/** One thread: judges the rows of the window by the totals and, with patches, the peaks of its pairs. */
__device__ inline void walk_window(const SliceAnchorArgs& args, const int32_t* start, int64_t first,
                                   const double* totals, const PatchKey* peaks, uint32_t specials) {
  int64_t anchor = start[first] >= 0 && start[first] < first ? args.representative[first - 1] : first;
  for (int w = 1; w < kRows && first + w - 1 < args.rows; ++w) {
    const int64_t row = first + w - 1;
    if (start[row] < 0) {
      continue;
    }
    float distance = 0;
    float patch = 0;
    int32_t index = -1;
    uint32_t flags = 0;
    bool keep = true;
    if (start[row] == row) {
      flags = (specials >> w & 1u) != 0 ? MEDPRUNER_SEGMENT_NON_FINITE : 0;
    } else {
      const int from = anchor < first ? 0 : static_cast<int>(anchor - first) + 1;
      distance = distance_of(args, totals[pair(from, w)], args.cols);
      if (args.with_patches) {
        patch = patch_distance(peaks[pair(from, w)]);
        index = patch_index(peaks[pair(from, w)]);
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
}

/**
 * The rows of the window that begins at `first`, the anchor in front; whether a segment begins in it. Rows
 * past the end repeat the last one and an anchor that is not there repeats the first row: their sums are
 * never asked for.
 */
template <class T>
__device__ inline bool window_rows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                   int64_t first, const T** rows) {
  bool starts = false;
#pragma unroll
  for (int w = 1; w < kRows; ++w) {
    const int64_t row = first + w - 1 < args.rows ? first + w - 1 : args.rows - 1;
    rows[w] = static_cast<const T*>(args.slices) + row * args.row_stride;
    starts = starts || workspace.start[row] == row;
  }
  const int32_t begin_of_first = workspace.start[first];
  rows[0] = begin_of_first >= 0 && begin_of_first < first
                ? static_cast<const T*>(args.slices) +
                      static_cast<int64_t>(args.representative[first - 1]) * args.row_stride
                : rows[1];
  return starts;
}

/** A warp: values [begin, end) of the rows are one chunk, and so are its sums. */
template <class T>
__device__ inline void sum_chunk(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                 const T* const* rows, int64_t chunk, bool wide, bool starts) {
  FloatPairs<T> pairs;
  const int64_t begin = chunk * kChunkValues;
  const int64_t end = args.cols - begin < kChunkValues ? args.cols : begin + kChunkValues;
  pairs.add_chunk(rows, begin, end, wide, starts);
  pairs.fold();
  if (threadIdx.x % 32 == 0) {
#pragma unroll
    for (int p = 0; p < kPairs; p += 4) {
      *reinterpret_cast<float4*>(&workspace.chunks[chunk].pair[p]) = make_float4(
          pairs.sums[p], pairs.sums[p + 1], pairs.sums[p + 2], pairs.sums[p + 3]);
    }
  }
  if (pairs.specials != 0) {
    atomicOr(&workspace.state->specials, pairs.specials);
  }
}

/**
 * All threads of every block, when its sums are in the workspace: the last block adds them up and walks.
 * `list`: this window is the last one, and the last block lists the segments, which are few.
 */
template <class T>
__device__ inline void finish_window(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                     int64_t first, bool list) {
  __shared__ bool last;
  __shared__ double totals[kPairs];
  __shared__ PatchKey peaks[kPairs];
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
    total = add_chunks(workspace.chunks, (args.cols - 1) / kChunkValues + 1);
  } else if (thread < kPairs) {
    total = static_cast<double>(atomicExch(&state->exact[thread], 0ull));
  }
  if (thread < kPairs) {
    totals[thread] = total;
    peaks[thread] = args.with_patches ? atomicExch(&state->peaks[thread], PeakWord{kNoPatch}) : kNoPatch;
  }
  __syncthreads();
  if (thread == 0) {
    const uint32_t specials = std::is_integral_v<T> ? 0 : atomicExch(&state->specials, 0u);
    walk_window(args, workspace.start, first, totals, peaks, specials);
  }
  if (list) {
    __shared__ uint64_t scratch[kScratch];
    __syncthreads();
    for (int64_t g = 0; g < args.segments; ++g) {
      list_segment(args, g, scratch);
    }
  }
}

/**
 * The rows from `first` on. `wide`: all rows are aligned to Pairs::kWideBytes. `list`: as finish_window().
 */
template <class T>
__global__ void __launch_bounds__(kAnchorThreads)
    anchor_window(SliceAnchorArgs args, AnchorWorkspace workspace, int64_t first, bool wide,
                  bool list) {
  using Pairs = AnchorPairs<T>;
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int warp = thread / 32;
  const T* rows[kRows];
  const bool starts = window_rows(args, workspace, first, rows);
  if constexpr (std::is_integral_v<T>) {
    Pairs pairs;
    __shared__ uint32_t parts[kAnchorWarps][kPairs];
    const int64_t begin = static_cast<int64_t>(blockIdx.x) * Pairs::kBlockValues;
    const int64_t end = args.cols - begin < Pairs::kBlockValues ? args.cols
                                                                : begin + Pairs::kBlockValues;
    pairs.add_block(rows, begin, end, wide);
    pairs.fold();
    if (lane == 0) {
#pragma unroll
      for (int p = 0; p < kPairs; ++p) {
        parts[warp][p] = pairs.sums[p];
      }
    }
    __syncthreads();
    if (thread < kPairs) {
      uint32_t sum = 0;
      for (int i = 0; i < kAnchorWarps; ++i) {
        sum += parts[i][thread];
      }
      atomicAdd(&workspace.state->exact[thread], static_cast<unsigned long long>(sum));
    }
  } else {
    const int64_t chunk = static_cast<int64_t>(blockIdx.x) * kAnchorWarps + warp;
    if (chunk * kChunkValues < args.cols) {
      sum_chunk(args, workspace, rows, chunk, wide, starts);
    }
  }
  finish_window<T>(args, workspace, first, list);
}

}  // namespace medpruner::cuda
