/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What K1 launches before its windows, and behind them where there are many segments.

#include "cuda/common/dependent.cuh"
#include "cuda/slice_anchor/walk.cuh"

namespace medpruner::cuda {

/** One block. */
__global__ void anchor_prepare(SliceAnchorArgs args, AnchorWorkspace workspace) {
  admit_next_launch();
  for (int64_t row = threadIdx.x; row < args.rows; row += blockDim.x) {
    workspace.start[row] = -1;
  }
  for (int i = static_cast<int>(threadIdx.x); i < kExactCopies * kMostPairs;
       i += static_cast<int>(blockDim.x)) {
    workspace.state->exact[i / kMostPairs][i % kMostPairs] = 0;
  }
  if (workspace.arrived != nullptr) {
    for (int64_t group = threadIdx.x; group < group_count(chunk_count(args)); group += blockDim.x) {
      workspace.arrived[group] = 0;
    }
  }
  if (threadIdx.x < kMostPairs) {
    workspace.state->peaks[threadIdx.x] = kNoPatch;
  } else if (threadIdx.x == kMostPairs) {
    workspace.state->specials = 0;
    workspace.state->finished = 0;
    workspace.state->anchor = 0;
  }
  __syncthreads();
  for (int64_t g = threadIdx.x / 32; g < args.segments; g += blockDim.x / 32) {
    int64_t begin = 0;
    int64_t end = 0;
    if (segment_of(args.offsets, g, args.rows, &begin, &end)) {
      for (int64_t row = begin + threadIdx.x % 32; row < end; row += 32) {
        workspace.start[row] = static_cast<int32_t>(begin);
      }
    }
  }
}

/** One block per segment. */
__global__ void anchor_list(SliceAnchorArgs args) {
  __shared__ uint64_t scratch[kScratch];
  list_segment(args, blockIdx.x, scratch);
}

}  // namespace medpruner::cuda
