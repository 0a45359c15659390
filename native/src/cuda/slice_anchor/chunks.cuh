/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What chunks of floats add up to. The canonical order is that of the chunks, one f64 addition after another;
// where no addition rounds, every order gives its bits: then groups of chunks are added as they come, and their sums.

#include <stdint.h>
#include <string.h>

#include "cuda/slice_anchor/pairs.cuh"

namespace medpruner::cuda {

/** Sums of the pairs over one chunk. */
template <int kPairs>
struct alignas(16) ChunkSums {
  static constexpr int kQuads = (kPairs + 3) / 4;
  static constexpr int kPadding = 4 * kQuads - kPairs;
  float pair[4 * kQuads];  // zeros behind the last
};

/** Chunks whose sums the last of them to be there adds up, while others are still being summed. */
constexpr int kGroupChunks = 28;

MEDPRUNER_HD inline int64_t group_count(int64_t chunks) { return (chunks - 1) / kGroupChunks + 1; }

/** Of a group. `least`: the bits of the least sum of a chunk but 0, less 1. */
template <int kPairs>
struct GroupSums {
  double sum[kPairs];
  uint32_t least[kPairs];
};

/** How a block adds them, and its shared memory. */
template <class Shape>
struct ChunkTotals {
  using Sums = ChunkSums<Shape::kPairs>;
  /** Chunks that are added from shared memory at once, while the next ones are on their way. */
  static constexpr int kTile = 32;
  static constexpr int kTileQuads = kTile * Sums::kQuads;
  static constexpr int kQuadsPerThread = (kTileQuads - 1) / Shape::kThreads + 1;
  /** Parts of a group, and loads of a thread, of chunks and of groups, that go out together. */
  static constexpr int kParts = Shape::kThreads / Sums::kQuads;
  static constexpr int kLoads = (kGroupChunks - 1) / kParts + 1;
  static constexpr int kGroupLoads = 24;

  union {
    Sums tiles[2][kTile];
    struct {
      double sums[kParts][4 * Sums::kQuads];
      uint32_t least[kParts][4 * Sums::kQuads];
    } parts;
  };
};

/** All threads: the sums of thread p < kPairs over all chunks, added in order. */
template <class Shape>
__device__ inline double add_chunks_in_order(const ChunkSums<Shape::kPairs>* sums, int64_t chunks,
    ChunkTotals<Shape>* memory) {
  using Totals = ChunkTotals<Shape>;
  constexpr int kQuads = Totals::Sums::kQuads;
  const float4* const quads = reinterpret_cast<const float4*>(sums);
  const int thread = static_cast<int>(threadIdx.x);
  float4 next[Totals::kQuadsPerThread];
  const auto load = [&](int64_t first) {
#pragma unroll
    for (int i = 0; i < Totals::kQuadsPerThread; ++i) {
      const int quad = i * Shape::kThreads + thread;
      const int64_t at = first * kQuads + quad;
      if (quad < Totals::kTileQuads && at < chunks * kQuads) {
        next[i] = __ldcg(&quads[at]);
      }
    }
  };
  double total = 0;
  load(0);
  // One barrier per tile is enough: a tile is written again after the barrier of the other one, which its
  // readers have passed by then.
  int side = 0;
  for (int64_t first = 0; first < chunks; first += Totals::kTile, side = 1 - side) {
#pragma unroll
    for (int i = 0; i < Totals::kQuadsPerThread; ++i) {
      const int quad = i * Shape::kThreads + thread;
      if (quad < Totals::kTileQuads && first * kQuads + quad < chunks * kQuads) {
        reinterpret_cast<float4*>(memory->tiles[side])[quad] = next[i];
      }
    }
    __syncthreads();
    load(first + Totals::kTile);
    if (thread < Shape::kPairs) {
      const int count = static_cast<int>(chunks - first < Totals::kTile ? chunks - first : Totals::kTile);
#pragma unroll 8
      for (int c = 0; c < count; ++c) {
        total += static_cast<double>(memory->tiles[side][c].pair[thread]);
      }
    }
  }
  return total;
}

/**
 * Whether f64 additions of numbers from +0 up are all exact, whatever their order: each sum is a multiple of
 * what the lowest bit of the least number stands for, and fits 53 bits of it. `least`: the bits of the
 * least number but 0, less 1. The total may be one that was rounded: a bit is left for that.
 */
__device__ inline bool adds_exactly(double total, uint32_t least) {
  const uint32_t lowest = (least + 1) >> 23;  // its exponent; 0 as 1, of the subnormals
  uint64_t bits;
  memcpy(&bits, &total, sizeof bits);
  const int top = static_cast<int>(bits >> 52) - 1023;  // 1024 for infinities and NaN
  return top + 99 <= static_cast<int>(lowest > 1 ? lowest : 1);
}

/** All threads: adds up the `count` chunks of a group. */
template <class Shape>
__device__ inline void add_group(const ChunkSums<Shape::kPairs>* sums, int count, ChunkTotals<Shape>* memory,
                                 GroupSums<Shape::kPairs>* group) {
  using Totals = ChunkTotals<Shape>;
  constexpr int kQuads = Totals::Sums::kQuads;
  const float4* const quads = reinterpret_cast<const float4*>(sums);
  const int thread = static_cast<int>(threadIdx.x);
  const int part = thread / kQuads;
  const int quad = thread % kQuads;
  if (part < Totals::kParts) {
    float4 v[Totals::kLoads];
#pragma unroll
    for (int i = 0; i < Totals::kLoads; ++i) {
      const int c = part + i * Totals::kParts;
      v[i] = c < count ? __ldcg(&quads[c * kQuads + quad]) : float4{};
    }
    double part_sums[4] = {};
    uint32_t least[4] = {~0u, ~0u, ~0u, ~0u};
#pragma unroll
    for (int i = 0; i < Totals::kLoads; ++i) {
      const float value[4] = {v[i].x, v[i].y, v[i].z, v[i].w};
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        part_sums[k] += static_cast<double>(value[k]);
        const uint32_t bits = float_to_bits(value[k]) - 1;
        least[k] = bits < least[k] ? bits : least[k];
      }
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      memory->parts.sums[part][4 * quad + k] = part_sums[k];
      memory->parts.least[part][4 * quad + k] = least[k];
    }
  }
  __syncthreads();
  if (thread < Shape::kPairs) {
    double sum = 0;
    uint32_t least = ~0u;
#pragma unroll
    for (int i = 0; i < Totals::kParts; ++i) {
      sum += memory->parts.sums[i][thread];
      least = memory->parts.least[i][thread] < least ? memory->parts.least[i][thread] : least;
    }
    group->sum[thread] = sum;
    group->least[thread] = least;
  }
}

/** Thread p < kPairs: its sums over all groups; whether they are those of the canonical order. */
template <class Shape>
__device__ inline bool add_groups(const GroupSums<Shape::kPairs>* groups, int64_t count, double* total) {
  constexpr int kLoads = ChunkTotals<Shape>::kGroupLoads;
  const int thread = static_cast<int>(threadIdx.x);
  double all = 0;
  uint32_t least = ~0u;
#pragma unroll 1
  for (int64_t first = 0; first < count; first += kLoads) {
    double sums[kLoads];
    uint32_t leasts[kLoads];
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const bool there = first + i < count;
      sums[i] = there ? __ldcg(&groups[first + i].sum[thread]) : 0.0;
      leasts[i] = there ? __ldcg(&groups[first + i].least[thread]) : ~0u;
    }
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      all += sums[i];
      least = leasts[i] < least ? leasts[i] : least;
    }
  }
  *total = all;
  return adds_exactly(all, least);
}

}  // namespace medpruner::cuda
