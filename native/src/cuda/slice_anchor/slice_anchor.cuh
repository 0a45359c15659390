/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K1: the chain is walked in windows of kWindow rows. anchor_pairs sums every pair the chain can ask
// for in a window (its anchor against each row, and each row against those before it), one warp per
// chunk of 4096 values, lane l holding lane l of the canonical order. anchor_decide, one block, adds
// the chunk totals in order and walks the window. Stream order between the launches is the only
// synchronisation.

#include <math.h>
#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

constexpr int kWindow = 4;
constexpr int kPairs = kWindow + kWindow * (kWindow - 1) / 2;
constexpr int kChunkValues = 4096;
constexpr int kWarpsPerBlock = 8;

/** Total of |a - b| over one chunk, as the bits of a u32 (integers, exact) or f32. */
union ChunkTotal {
  uint32_t exact;
  float rounded;
};

struct AnchorWorkspace {
  int32_t* start;      // [rows]: first row of the row's segment, -1 outside good segments
  ChunkTotal* totals;  // [chunks][kPairs]
  uint32_t* specials;  // [chunks]: bit w when row w of the window holds a NaN or infinity
};

/** Pair of the anchor before the window with row w, or of window rows v < w. */
__host__ __device__ inline int anchor_pair(int w) { return w; }
__host__ __device__ inline int window_pair(int v, int w) {
  return kWindow + w * (w - 1) / 2 + v;
}

__device__ inline uint32_t pair_difference(uint8_t a, uint8_t b) {
  return static_cast<uint32_t>(a < b ? b - a : a - b);
}
__device__ inline uint32_t pair_difference(int16_t a, int16_t b) {
  const int difference = static_cast<int>(a) - static_cast<int>(b);
  return static_cast<uint32_t>(difference < 0 ? -difference : difference);
}
__device__ inline float pair_difference(float a, float b) { return fabsf(a - b); }

/** What a stored value is computed with, and its accumulator. */
template <class T>
struct AnchorValue {
  using Value = float;
  using Sum = float;
  __device__ static Value load(T v) { return to_float(v); }
  __device__ static bool special(Value v) { return non_finite(v); }
};
template <>
struct AnchorValue<uint8_t> {
  using Value = uint8_t;
  using Sum = uint32_t;
  __device__ static Value load(uint8_t v) { return v; }
  __device__ static bool special(Value) { return false; }
};
template <>
struct AnchorValue<int16_t> {
  using Value = int16_t;
  using Sum = uint32_t;
  __device__ static Value load(int16_t v) { return v; }
  __device__ static bool special(Value) { return false; }
};

__device__ inline void put_total(ChunkTotal* total, uint32_t sum) { total->exact = sum; }
__device__ inline void put_total(ChunkTotal* total, float sum) { total->rounded = sum; }

__global__ void anchor_clear(AnchorWorkspace workspace, int64_t rows) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (row < rows) {
    workspace.start[row] = -1;
  }
}

/** One block per segment. */
__global__ void anchor_starts(const int64_t* offsets, AnchorWorkspace workspace, int64_t rows) {
  int64_t begin = 0;
  int64_t end = 0;
  if (!segment_of(offsets, blockIdx.x, rows, &begin, &end)) {
    return;
  }
  for (int64_t row = begin + threadIdx.x; row < end; row += blockDim.x) {
    workspace.start[row] = static_cast<int32_t>(begin);
  }
}

template <class T>
__global__ void anchor_pairs(const T* slices, int64_t row_stride, int64_t cols, int64_t rows,
                             int64_t first, const int32_t* representative,
                             AnchorWorkspace workspace) {
  using Load = AnchorValue<T>;
  using Value = typename Load::Value;
  using Sum = typename Load::Sum;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int64_t chunk =
      static_cast<int64_t>(blockIdx.x) * kWarpsPerBlock + static_cast<int>(threadIdx.x) / 32;
  const int64_t begin = chunk * kChunkValues;
  if (begin >= cols) {
    return;  // a whole warp: nothing below waits for it
  }
  const int64_t end = begin + kChunkValues < cols ? begin + kChunkValues : cols;

  // Row 0 is the anchor before the window, 1.. the window. Rows past the end repeat the last one and
  // an anchor that is not there repeats the first row: their sums are never asked for.
  const T* row[kWindow + 1];
  for (int w = 0; w < kWindow; ++w) {
    const int64_t index = first + w < rows ? first + w : rows - 1;
    row[w + 1] = slices + index * row_stride;
  }
  const int32_t start = workspace.start[first];
  const bool continued = start >= 0 && start < first;
  row[0] = continued ? slices + static_cast<int64_t>(representative[first - 1]) * row_stride : row[1];

  Sum sums[kPairs] = {};
  uint32_t specials = 0;
  for (int64_t at = begin + lane; at < end; at += 32) {
    Value value[kWindow + 1];
#pragma unroll
    for (int w = 0; w <= kWindow; ++w) {
      value[w] = Load::load(row[w][at]);
    }
#pragma unroll
    for (int w = 0; w < kWindow; ++w) {
      specials |= Load::special(value[w + 1]) ? 1u << w : 0u;
      sums[anchor_pair(w)] += pair_difference(value[w + 1], value[0]);
#pragma unroll
      for (int v = 0; v < w; ++v) {
        sums[window_pair(v, w)] += pair_difference(value[w + 1], value[v + 1]);
      }
    }
  }
  // The butterfly of slice_anchor.h; for integers any order would do.
#pragma unroll
  for (int p = 0; p < kPairs; ++p) {
    for (int distance = 16; distance > 0; distance /= 2) {
      sums[p] += __shfl_xor_sync(kAllLanes, sums[p], distance);
    }
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    specials |= __shfl_xor_sync(kAllLanes, specials, distance);
  }
  if (lane == 0) {
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
      put_total(&workspace.totals[chunk * kPairs + p], sums[p]);
    }
    workspace.specials[chunk] = specials;
  }
}

/** One warp. Thread p < kPairs adds the chunks of pair p; thread 0 walks the window. */
__global__ void anchor_decide(SliceAnchorArgs args, AnchorWorkspace workspace, int64_t first,
                              int64_t chunks, bool integers) {
  __shared__ double totals[kPairs];
  __shared__ uint32_t specials;
  const int thread = static_cast<int>(threadIdx.x);
  if (thread < kPairs) {
    double sum = 0;
    uint64_t exact = 0;
    for (int64_t c = 0; c < chunks; ++c) {
      const ChunkTotal total = workspace.totals[c * kPairs + thread];
      if (integers) {
        exact += total.exact;
      } else {
        sum += static_cast<double>(total.rounded);
      }
    }
    totals[thread] = integers ? static_cast<double>(exact) : sum;
  } else if (thread == 31) {
    uint32_t any = 0;
    for (int64_t c = 0; c < chunks; ++c) {
      any |= workspace.specials[c];
    }
    specials = any;
  }
  __syncthreads();
  if (thread != 0) {
    return;
  }
  const int32_t start = workspace.start[first];
  int64_t anchor = start >= 0 && start < first ? args.representative[first - 1] : first;
  for (int w = 0; w < kWindow && first + w < args.rows; ++w) {
    const int64_t row = first + w;
    if (workspace.start[row] < 0) {
      continue;
    }
    float distance = 0;
    uint32_t flags = 0;
    bool keep = true;
    if (workspace.start[row] == row) {
      flags = (specials >> w & 1u) != 0 ? MEDPRUNER_SEGMENT_NON_FINITE : 0;
    } else {
      const double sum =
          totals[anchor < first ? anchor_pair(w) : window_pair(static_cast<int>(anchor - first), w)];
      distance =
          canonical(static_cast<float>(args.scale * (sum / static_cast<double>(args.cols))));
      const bool abnormal = non_finite(distance);
      flags = abnormal ? MEDPRUNER_SEGMENT_NON_FINITE : 0;
      keep = abnormal || distance > args.gamma ||
             (args.max_gap > 0 && row - anchor >= args.max_gap);
    }
    anchor = keep ? row : anchor;
    args.keep[row] = keep ? 1 : 0;
    args.representative[row] = static_cast<int32_t>(anchor);
    if (!args.decide_only) {
      args.distance[row] = distance;
      args.flags[row] = flags;
    }
  }
}

/** One block per segment: the ascending list of kept rows. */
__global__ void anchor_list(SliceAnchorArgs args) {
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
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

}  // namespace medpruner::cuda
