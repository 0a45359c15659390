/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K5: one block scans the counts, then one warp copies one row at a time in the widest units that the
// addresses allow. All sizes are 64-bit.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

struct alignas(16) Unit16 {
  uint64_t low, high;
};

/** One block. Offsets or counts that are no good count as 0 rows. */
__global__ void gather_offsets(GatherRowsArgs args) {
  __shared__ int64_t tile[1024];
  const int thread = static_cast<int>(threadIdx.x);
  const int width = static_cast<int>(blockDim.x);
  int64_t before = 0;
  for (int64_t base = 0; base < args.segments; base += width) {
    const int64_t g = base + thread;
    int64_t count = 0;
    uint32_t flags = 0;
    if (g < args.segments) {
      int64_t begin = 0;
      int64_t end = 0;
      const bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
      count = args.counts[g];
      if (!good || count < 0 || count > end - begin) {
        count = 0;
        flags = MEDPRUNER_SEGMENT_BAD_OFFSETS;
      }
    }
    // Inclusive scan by doubling.
    tile[thread] = count;
    __syncthreads();
    for (int distance = 1; distance < width; distance *= 2) {
      const int64_t other = thread >= distance ? tile[thread - distance] : 0;
      __syncthreads();
      tile[thread] += other;
      __syncthreads();
    }
    const int64_t last = before + tile[thread];
    const int64_t total = tile[width - 1];
    __syncthreads();
    if (g < args.segments) {
      args.packed_offsets[g] = last - count;
      args.flags[g] = flags | (count > 0 && last > args.capacity ? MEDPRUNER_SEGMENT_CAPACITY : 0);
    }
    before += total;
  }
  if (thread == 0) {
    args.packed_offsets[args.segments] = before;
  }
}

/** Grid (segments, blocks per segment); after gather_offsets. row_units = row bytes / unit bytes. */
template <class Unit>
__global__ void gather_copy(GatherRowsArgs args, int64_t row_units) {
  const int64_t g = blockIdx.x;
  const int64_t first = args.packed_offsets[g];
  const int64_t count = args.packed_offsets[g + 1] - first;
  const int64_t* indices = args.indices + (count > 0 ? args.offsets[g] : 0);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  const int64_t step = static_cast<int64_t>(gridDim.y) * warps;
  for (int64_t i = static_cast<int64_t>(blockIdx.y) * warps + threadIdx.x / 32; i < count;
       i += step) {
    const int64_t to = first + i;
    if (to >= args.capacity) {
      return;
    }
    const int64_t from = indices[i];
    const bool good = from >= 0 && from < args.rows;
    if (!good && lane == 0) {
      atomicOr(&args.flags[g], static_cast<uint32_t>(MEDPRUNER_SEGMENT_BAD_OFFSETS));
    }
    Unit* target = reinterpret_cast<Unit*>(args.packed + to * args.row_bytes);
    const Unit* source =
        reinterpret_cast<const Unit*>(args.source + (good ? from : 0) * args.row_stride_bytes);
    for (int64_t u = lane; u < row_units; u += 32) {
      target[u] = good ? source[u] : Unit{};
    }
  }
}

}  // namespace medpruner::cuda
