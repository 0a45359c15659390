/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stage 2 behind the selection: K4's plan with the union of the flags and the packed rows counted, K4's
// assignment, one block that scans the counts, and a block per packed row that copies or merges it from
// the features to its place.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "cuda/contextual_merge/steps.cuh"
#include "cuda/gather_rows/scan.cuh"

namespace medpruner::cuda {

/** What the steps leave to each other. */
struct PruneWorkspace {
  int64_t* patch_offsets;   // [segments + 1] with query
  uint32_t* mass_flags;     // [segments] with query, else null
  uint8_t* nucleus;         // [rows]
  int64_t* kept;            // [rows]: of the nucleus, then of all kept rows
  int64_t* counts;          // [segments]: as kept; then of the packed rows
  uint32_t* nucleus_flags;  // [segments]
  MergeWorkspace merge;
};

/**
 * One block per segment: the offsets over the patches; a segment that does not fill its grid, which
 * attention_mass skips, gets NaN masses, so that it is kept whole.
 */
__global__ void prune_patches(PruneArgs args, PruneWorkspace workspace) {
  const int64_t rows = args.merge.rows;
  const int64_t* offsets = args.merge.offsets;
  const int64_t pool = args.attention.pool;
  const int64_t g = blockIdx.x;
  for (int64_t i = g + threadIdx.x; i <= g + 1 && i <= args.merge.segments; i += blockDim.x) {
    if (i == g || i == args.merge.segments) {
      workspace.patch_offsets[i] =
          offsets[i] >= 0 && offsets[i] <= rows ? offsets[i] * pool : -1;
    }
  }
  int64_t begin = 0;
  int64_t end = 0;
  if (!args.attention.grid || !segment_of(offsets, g, rows, &begin, &end) ||
      (end - begin) * pool == args.attention.grid_h * args.attention.grid_w) {
    return;
  }
  for (int64_t row = begin + threadIdx.x; row < end; row += blockDim.x) {
    args.mass[row] = bits_to_float(kNanF32);
    for (int64_t c = 0; c < args.merge.dim; ++c) {
      args.pooled_keys[row * args.merge.dim + c] = 0;
    }
  }
}

/** One block per segment; after the selection. */
__global__ void prune_plan(PruneArgs args, PruneWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  const uint32_t flags = workspace.nucleus_flags[g] |
                         (workspace.mass_flags != nullptr ? workspace.mass_flags[g] : 0);
  MergePlan plan = {};
  int64_t packed = 0;
  if (segment_of(args.merge.offsets, g, args.merge.rows, &plan.begin, &plan.end)) {
    const int64_t n = plan.end - plan.begin;
    const bool whole = args.segment_kept == nullptr || args.segment_kept[g] != 0;
    const int64_t leading = whole || args.dropped_tokens > n ? n : args.dropped_tokens;
    packed = plan_segment(args.merge, workspace.merge, leading, &plan, scratch);
  } else {
    plan = kBadPlan;
  }
  if (threadIdx.x == 0) {
    workspace.merge.plans[g] = plan;
    workspace.counts[g] = packed;
    args.flags[g] = flags;
  }
}

/** One block of kScanThreads; after merge_assign, which adds flags too. */
__global__ void prune_offsets(PruneArgs args, PruneWorkspace workspace) {
  __shared__ int64_t scratch[kScratch];
  scan_rows(
      args.merge.segments, args.capacity, args.packed_offsets,
      [&](int64_t g, uint32_t*) { return workspace.counts[g]; },
      [&](int64_t g, uint32_t flags) { args.flags[g] |= flags; }, scratch);
}

/** Grid (segments, blocks per segment), a block per packed row; after prune_offsets. */
template <class T, class Unit>
__global__ void prune_pack(PruneArgs args, PruneWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  __shared__ int64_t members[kMergeThreads];
  const int64_t g = blockIdx.x;
  const MergePlan plan = workspace.merge.plans[g];
  const int64_t first = args.packed_offsets[g];
  const int64_t room = args.capacity - first;
  const int64_t count = workspace.counts[g] < room ? workspace.counts[g] : room;
  const T* features = static_cast<const T*>(args.merge.features);
  T* packed = static_cast<T*>(args.packed);
  for (int64_t i = blockIdx.y; i < count; i += gridDim.y) {
    const int64_t row = workspace.kept[plan.begin + i];
    T* out = packed + (first + i) * args.merge.channels;
    if (threadIdx.x == 0) {
      args.packed_rows[first + i] = row;
    }
    if (args.merge.role[row] == MEDPRUNER_ROLE_TARGET) {
      write_target(args.merge, workspace.merge, plan, row, out, members, scratch);
    } else {
      copy_row<Unit>(out, features + row * args.merge.feature_stride,
                     args.merge.channels * static_cast<int64_t>(sizeof(T)));
    }
  }
}

}  // namespace medpruner::cuda
