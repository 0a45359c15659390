/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Block-wide helpers for one-dimensional blocks of whole warps, at most 1024 threads. Every thread of
// the block must call them; each begins and ends so that its scratch can be used again at once.

#include <stdint.h>

#include "cuda/common/warp.cuh"

/** In a kernel: bytes `name[]` of dynamic shared memory, aligned to 16. */
#if defined(__CUDACC__)
#define MEDPRUNER_DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]
/** The same from a multiple of 1024 on, as swizzled matrices need it. */
#define MEDPRUNER_SWIZZLED_SHARED(name) extern __shared__ __align__(1024) unsigned char name[]
#else
#define MEDPRUNER_DYNAMIC_SHARED(name) SIMT_DYNAMIC_SHARED(unsigned char, name)
#define MEDPRUNER_SWIZZLED_SHARED(name) SIMT_DYNAMIC_SHARED(unsigned char, name)
#endif

namespace medpruner::cuda {

constexpr int kScratch = 33;

/** Integers, so that the order of the additions cannot matter. */
__device__ inline uint64_t block_sum(uint64_t value, uint64_t* scratch) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  value = warp_sum(value);
  if (lane == 0) {
    scratch[warp] = value;
  }
  __syncthreads();
  if (warp == 0) {
    const uint64_t total = warp_sum(lane < warps ? scratch[lane] : 0);
    if (lane == 0) {
      scratch[32] = total;
    }
  }
  __syncthreads();
  return scratch[32];  // written again only behind the first barrier of the next call
}

__device__ inline uint32_t block_max(uint32_t value, uint64_t* scratch) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  value = WarpReductions::max(value);
  if (lane == 0) {
    scratch[warp] = value;
  }
  __syncthreads();
  uint64_t top = 0;
  for (int w = 0; w < warps; ++w) {
    top = scratch[w] > top ? scratch[w] : top;
  }
  __syncthreads();
  return static_cast<uint32_t>(top);
}

/** How many threads before this one hold true, and in the whole block: an ordered compaction. */
__device__ inline uint32_t block_rank(bool flag, uint64_t* scratch, uint32_t* total) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  const unsigned ballot = __ballot_sync(kAllLanes, flag);
  if (lane == 0) {
    scratch[warp] = static_cast<uint64_t>(__popc(ballot));
  }
  __syncthreads();
  uint32_t before = static_cast<uint32_t>(__popc(ballot & ((1u << lane) - 1u)));
  uint32_t all = 0;
  for (int w = 0; w < warps; ++w) {
    const uint32_t count = static_cast<uint32_t>(scratch[w]);
    before += w < warp ? count : 0;
    all += count;
  }
  __syncthreads();
  *total = all;
  return before;
}

/** Sum of the values of the threads up to and with this one, and of the whole block. */
__device__ inline int64_t block_scan(int64_t value, int64_t* scratch, int64_t* total) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  for (int distance = 1; distance < 32; distance *= 2) {
    const int64_t before = __shfl_up_sync(kAllLanes, static_cast<long long>(value), distance);
    value += lane >= distance ? before : 0;
  }
  if (lane == 31) {
    scratch[warp] = value;
  }
  __syncthreads();
  int64_t all = 0;
  for (int w = 0; w < warps; ++w) {
    value += w < warp ? scratch[w] : 0;
    all += scratch[w];
  }
  __syncthreads();
  *total = all;
  return value;
}

/** A segment [begin, end) inside [0, rows); false for offsets out of order or out of range. */
__device__ inline bool segment_of(const int64_t* offsets, int64_t g, int64_t rows, int64_t* begin,
                                  int64_t* end) {
  *begin = offsets[g];
  *end = offsets[g + 1];
  return *begin >= 0 && *begin <= *end && *end <= rows;
}

/** Blocks per segment for `rows` rows in all, `per_block` of them at a time. */
inline unsigned blocks_per_segment(int64_t rows, int64_t segments, int64_t per_block) {
  const int64_t wanted = rows / (segments * per_block) + 1;
  return static_cast<unsigned>(wanted < 1024 ? wanted : 1024);
}

}  // namespace medpruner::cuda
