/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K5: one block scans the counts, then one warp copies one row at a time in the widest units that the
// addresses allow. All sizes are 64-bit.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "cuda/common/units.cuh"
#include "cuda/gather_rows/scan.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

/** One block of kScanThreads. Offsets or counts that are no good count as 0 rows. */
__global__ void gather_offsets(GatherRowsArgs args) {
  __shared__ int64_t scratch[kScratch];
  scan_rows(
      args.segments, args.capacity, args.packed_offsets,
      [&](int64_t g, uint32_t* flags) {
        int64_t begin = 0;
        int64_t end = 0;
        const bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
        const int64_t count = args.counts[g];
        if (!good || count < 0 || count > end - begin) {
          *flags = MEDPRUNER_SEGMENT_BAD_OFFSETS;
          return int64_t{0};
        }
        return count;
      },
      [&](int64_t g, uint32_t flags) { args.flags[g] = flags; }, scratch);
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
