/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Rows copied, a warp each, in the widest units that their addresses allow.

#include <stdint.h>

#include "cuda/common/block.cuh"
#include "cuda/common/launch.cuh"
#include "cuda/common/warp.cuh"

namespace medpruner::cuda {

struct alignas(16) Unit16 {
  uint64_t low, high;
};

constexpr int kRowThreads = 256;  // of a block that copies rows
constexpr int kRowWarps = kRowThreads / 32;
constexpr int kRowBlocks = 4;   // of them, on a multiprocessor
constexpr int kUnitsAhead = 5;  // loads that a lane has in flight: a row of 2560 bf16 channels takes two rounds

/**
 * Whether a call that reads so many rows once says so, which leaves more of what it writes in L2. Rows that L2 is
 * too small for are read as ever: with all accesses so marked, large calls took up to 2 % more (tuning run, H200).
 */
inline bool reads_once(int64_t rows, int64_t row_bytes) {
  constexpr int64_t kMost = int64_t{48} << 20;  // of the 50 MB of an H200
  return rows == 0 || row_bytes <= kMost / rows;
}

/** A read after which L2 may drop the line before any other. */
template <class Unit>
__device__ inline Unit load_once(const Unit* from) {
#if defined(__CUDACC__)
  if constexpr (sizeof(Unit) == 16) {
    const ulonglong2 value = __ldcs(reinterpret_cast<const ulonglong2*>(from));
    return {value.x, value.y};
  }
#endif
  return *from;
}

/** All lanes of the warp: a row of `units` units. */
template <bool kOnce, class Unit>
__device__ inline void copy_row(Unit* to, const Unit* from, int64_t units) {
#pragma unroll 1
  for (int64_t first = threadIdx.x % 32; first < units; first += 32 * kUnitsAhead) {
    Unit values[kUnitsAhead];
#pragma unroll
    for (int k = 0; k < kUnitsAhead; ++k) {
      if (first + 32 * k < units) {
        values[k] = kOnce ? load_once(from + first + 32 * k) : from[first + 32 * k];
      }
    }
#pragma unroll
    for (int k = 0; k < kUnitsAhead; ++k) {
      if (first + 32 * k < units) {
        to[first + 32 * k] = values[k];
      }
    }
  }
}

/** The same, `once` by load_once(). */
template <class Unit>
__device__ inline void copy_row(Unit* to, const Unit* from, int64_t units, bool once = false) {
  if (once) {
    copy_row<true>(to, from, units);
  } else {
    copy_row<false>(to, from, units);
  }
}

/**
 * Spreads rows [begin, end) over the warps of `blocks` blocks, of which this counts as number `block`: every lane
 * asks source(i) for one of its warp's rows ahead, then all lanes call copy(i, source(i)) for one after the other.
 */
template <class Source, class Copy>
__device__ inline void for_each_row(uint32_t block, uint32_t blocks, int64_t begin, int64_t end,
                                    const Source& source, const Copy& copy) {
  const uint32_t lane = threadIdx.x % 32;
  const uint32_t warps = blockDim.x / 32;
  const int64_t step = int64_t{blocks} * warps;
#pragma unroll 1
  for (int64_t first = begin + int64_t{block} * warps + threadIdx.x / 32; first < end;
       first += 32 * step) {
    const int64_t own = first + lane * step;
    const int64_t from = own < end ? source(own) : 0;
    const int64_t rows = (end - 1 - first) / step + 1;
#pragma unroll 1
    for (int row = 0; row < 32 && row < rows; ++row) {
      copy(first + row * step, __shfl_sync(kAllLanes, static_cast<long long>(from), row));
    }
  }
}

/**
 * Blocks per segment for for_each_row. A small call gets as many as the device holds at once, whose warps go
 * from row to row; a large one several times as many, which even out.
 */
inline unsigned row_blocks(int64_t rows, int64_t segments, int32_t device) {
  constexpr int64_t kWaves = 4;
  const unsigned most = blocks_per_segment(rows, segments, kRowWarps);
  const int64_t held = int64_t{kRowBlocks} * multiprocessors(device);
  const int64_t blocks = segments * most > kWaves * held ? kWaves * held : held;
  const int64_t share = (blocks + segments - 1) / segments;
  return share < most ? static_cast<unsigned>(share) : most;
}

template <class T, class Unit>
int64_t row_units(int64_t values) {
  return values * static_cast<int64_t>(sizeof(T)) / static_cast<int64_t>(sizeof(Unit));
}

/** Everything rows' addresses are made of, in bytes: its lowest set bit is the widest unit possible. */
inline uint64_t row_alignment(const void* to, int64_t to_stride, const void* from,
                              int64_t from_stride, int64_t row_bytes) {
  return reinterpret_cast<uint64_t>(to) | static_cast<uint64_t>(to_stride) |
         reinterpret_cast<uint64_t>(from) | static_cast<uint64_t>(from_stride) |
         static_cast<uint64_t>(row_bytes);
}

}  // namespace medpruner::cuda
