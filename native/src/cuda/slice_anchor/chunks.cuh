/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What chunks of floats add up to. The canonical order is that of the chunks, one f64 addition after another;
// where no addition rounds, every order gives its bits, and several parts are added at once.

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

/** How a block adds them, and its shared memory. */
template <class Shape>
struct ChunkTotals {
  using Sums = ChunkSums<Shape::kPairs>;
  /** Chunks that are added from shared memory at once, while the next ones are on their way. */
  static constexpr int kTile = 32;
  static constexpr int kTileQuads = kTile * Sums::kQuads;
  static constexpr int kQuadsPerThread = (kTileQuads - 1) / Shape::kThreads + 1;
  /** Parts of the chunks where the order cannot matter, and loads of a thread that go out together. */
  static constexpr int kParts = Shape::kThreads / Sums::kQuads;
  static constexpr int kLoads = Shape::kThreads > 128 ? 7 : 21;

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

/**
 * All threads: the sums of thread p < kPairs over all chunks, added in Totals::kParts of them at once; false, for
 * all, where that may have rounded.
 */
template <class Shape>
__device__ inline bool add_chunks_at_once(const ChunkSums<Shape::kPairs>* sums, int64_t chunks,
    ChunkTotals<Shape>* memory, double* total) {
  using Totals = ChunkTotals<Shape>;
  constexpr int kQuads = Totals::Sums::kQuads;
  const float4* const quads = reinterpret_cast<const float4*>(sums);
  const int thread = static_cast<int>(threadIdx.x);
  const int part = thread / kQuads;
  const int quad = thread % kQuads;
  if (part < Totals::kParts) {
    double part_sums[4] = {};
    uint32_t least[4] = {~0u, ~0u, ~0u, ~0u};
    const auto add = [&](const float4& v) {
      const float value[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        part_sums[i] += static_cast<double>(value[i]);
        const uint32_t bits = float_to_bits(value[i]) - 1;
        least[i] = bits < least[i] ? bits : least[i];
      }
    };
    int64_t c = part;
    for (; c + (Totals::kLoads - 1) * Totals::kParts < chunks; c += Totals::kLoads * Totals::kParts) {
      float4 v[Totals::kLoads];
#pragma unroll
      for (int i = 0; i < Totals::kLoads; ++i) {
        v[i] = __ldcg(&quads[(c + i * Totals::kParts) * kQuads + quad]);
      }
#pragma unroll
      for (int i = 0; i < Totals::kLoads; ++i) {
        add(v[i]);
      }
    }
    for (; c < chunks; c += Totals::kParts) {
      add(__ldcg(&quads[c * kQuads + quad]));
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      memory->parts.sums[part][4 * quad + i] = part_sums[i];
      memory->parts.least[part][4 * quad + i] = least[i];
    }
  }
  __syncthreads();
  bool exact = true;
  if (thread < Shape::kPairs) {
    *total = 0;
    uint32_t least = ~0u;
    for (int i = 0; i < Totals::kParts; ++i) {
      *total += memory->parts.sums[i][thread];
      least = memory->parts.least[i][thread] < least ? memory->parts.least[i][thread] : least;
    }
    exact = adds_exactly(*total, least);
  }
  return __syncthreads_and(exact ? 1 : 0) != 0;
}

/** All threads: the sums of thread p < kPairs over all chunks. */
template <class Shape>
__device__ inline double add_chunks(const ChunkSums<Shape::kPairs>* sums, int64_t chunks,
    ChunkTotals<Shape>* memory) {
  double total = 0;
  return add_chunks_at_once(sums, chunks, memory, &total)
             ? total
             : add_chunks_in_order(sums, chunks, memory);
}

}  // namespace medpruner::cuda
