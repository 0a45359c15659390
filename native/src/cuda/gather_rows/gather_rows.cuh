/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K5: where the segments' rows begin, then one warp copies one row at a time in the widest units that the
// addresses allow. All sizes are 64-bit.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "cuda/common/units.cuh"
#include "cuda/gather_rows/scan.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

/** The rows of segment g; 0, and false, for one whose offsets or count are no good. */
__device__ inline bool gathered_rows(const GatherRowsArgs& args, int64_t g, int64_t* count) {
  int64_t begin = 0;
  int64_t end = 0;
  const bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
  const int64_t wanted = args.counts[g];
  *count = good && wanted >= 0 && wanted <= end - begin ? wanted : 0;
  return good && *count == wanted;
}

/** One block of kScanThreads; for calls whose segments are too many for gather_copy to add up. */
__global__ void __launch_bounds__(kScanThreads) gather_offsets(GatherRowsArgs args) {
  __shared__ int64_t scratch[kScratch];
  scan_rows(
      args.segments, args.capacity, args.packed_offsets,
      [&](int64_t g, uint32_t* flags) {
        int64_t count = 0;
        *flags = gathered_rows(args, g, &count) ? 0 : MEDPRUNER_SEGMENT_BAD_OFFSETS;
        return count;
      },
      [&](int64_t g, uint32_t flags) { args.flags[g] = flags; }, scratch);
}

/**
 * All threads of a segment's first block: its offset, and its flags with those of all its rows, so that no
 * other block has any to add.
 */
__device__ inline void gather_offset(const GatherRowsArgs& args, int64_t g, int64_t first) {
  int64_t count = 0;
  const bool good = gathered_rows(args, g, &count);
  bool stray = false;
  for (int64_t i = threadIdx.x; i < count && first + i < args.capacity; i += blockDim.x) {
    const int64_t from = args.indices[args.offsets[g] + i];
    stray = stray || from < 0 || from >= args.rows;
  }
  stray = __syncthreads_or(stray) != 0;
  if (threadIdx.x > 0) {
    return;
  }
  args.packed_offsets[g] = first;
  if (g == args.segments - 1) {
    args.packed_offsets[args.segments] = first + count;
  }
  args.flags[g] = (good && !stray ? 0 : MEDPRUNER_SEGMENT_BAD_OFFSETS) |
                  (count > 0 && first + count > args.capacity ? MEDPRUNER_SEGMENT_CAPACITY : 0);
}

/**
 * Grid (segments, blocks per segment). Of `few` segments each block adds up the rows before its own; else
 * gather_offsets has come before. row_units = row bytes / unit bytes.
 */
template <class Unit>
__global__ void __launch_bounds__(kRowThreads, kRowBlocks)
    gather_copy(GatherRowsArgs args, int64_t row_units, bool few) {
  const int64_t g = blockIdx.x;
  int64_t count = 0;
  gathered_rows(args, g, &count);
  const int64_t first = few ? rows_before(g,
                                          [&](int64_t h) {
                                            int64_t before = 0;
                                            gathered_rows(args, h, &before);
                                            return before;
                                          })
                            : args.packed_offsets[g];
  if (few && blockIdx.y == 0) {
    gather_offset(args, g, first);
  }
  const int64_t* indices = args.indices + (count > 0 ? args.offsets[g] : 0);
  const int64_t room = args.capacity - first;
  for_each_row(
      blockIdx.y, gridDim.y, 0, count < room ? count : room,
      [&](int64_t i) {
        const int64_t row = indices[i];
        const bool good = row >= 0 && row < args.rows;
        if (!good && !few) {
          atomicOr(&args.flags[g], static_cast<uint32_t>(MEDPRUNER_SEGMENT_BAD_OFFSETS));
        }
        return good ? row : -1;
      },
      [&](int64_t i, int64_t row) {
        Unit* to = reinterpret_cast<Unit*>(args.packed + (first + i) * args.row_bytes);
        if (row >= 0) {
          copy_row(to, reinterpret_cast<const Unit*>(args.source + row * args.row_stride_bytes),
                   row_units);
          return;
        }
        for (int64_t u = threadIdx.x % 32; u < row_units; u += 32) {
          to[u] = Unit{};
        }
      });
}

}  // namespace medpruner::cuda
