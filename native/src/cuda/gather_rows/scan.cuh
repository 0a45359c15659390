/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "cuda/common/block.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

constexpr int kScanThreads = 1024;
constexpr int kScanned = 4;  // segments a thread of the scan takes at a time: 98 304 in 24 rounds

/**
 * One block of kScanThreads: where each segment's rows begin. count_of(g, &flags) gives the number of its
 * rows, 0 for one that is no good; flag(g, flags) takes the flags then, CAPACITY added where the rows
 * run past the capacity.
 */
template <class CountOf, class Flag>
__device__ inline void scan_rows(int64_t segments, int64_t capacity, int64_t* packed_offsets,
                                 const CountOf& count_of, const Flag& flag, int64_t* scratch) {
  int64_t before = 0;
  for (int64_t base = 0; base < segments; base += int64_t{kScanThreads} * kScanned) {
    const int64_t first = base + int64_t{threadIdx.x} * kScanned;
    int64_t counts[kScanned];
    uint32_t flags[kScanned] = {};
    int64_t sum = 0;
    for (int k = 0; k < kScanned; ++k) {
      counts[k] = first + k < segments ? count_of(first + k, &flags[k]) : 0;
      sum += counts[k];
    }
    int64_t total = 0;
    int64_t row = before + block_scan(sum, scratch, &total) - sum;
    for (int k = 0; k < kScanned && first + k < segments; ++k) {
      packed_offsets[first + k] = row;
      row += counts[k];
      const bool short_of = counts[k] > 0 && row > capacity;
      flag(first + k, flags[k] | (short_of ? uint32_t{MEDPRUNER_SEGMENT_CAPACITY} : 0));
    }
    before += total;
  }
  if (threadIdx.x == 0) {
    packed_offsets[segments] = before;
  }
}

/** Calls of so few segments need no scan: each warp adds up the counts before its own. */
constexpr int64_t kFewSegments = 256;

/** All lanes of the warp: rows of the segments before g. */
template <class CountOf>
__device__ inline int64_t rows_before(int64_t g, const CountOf& count_of) {
  int64_t sum = 0;
#pragma unroll 4
  for (int64_t h = threadIdx.x % 32; h < g; h += 32) {
    sum += count_of(h);
  }
  return static_cast<int64_t>(warp_sum(static_cast<uint64_t>(sum)));
}

/** One thread of a segment's blocks: what scan_rows leaves of it, its flags being written already. */
__device__ inline void put_offset(int64_t g, int64_t segments, int64_t first, int64_t count,
                                  int64_t capacity, int64_t* packed_offsets, uint32_t* flags) {
  packed_offsets[g] = first;
  if (g == segments - 1) {
    packed_offsets[segments] = first + count;
  }
  if (count > 0 && first + count > capacity) {
    atomicOr(&flags[g], static_cast<uint32_t>(MEDPRUNER_SEGMENT_CAPACITY));
  }
}

}  // namespace medpruner::cuda
