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

}  // namespace medpruner::cuda
