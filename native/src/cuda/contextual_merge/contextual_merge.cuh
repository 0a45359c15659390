/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K4 in three launches: a block per segment plans (roles, targets, lists); blocks of tokens find their nearest
// target while others copy the rows that stay as they are; and a block per target writes it. No atomics but
// the OR of a flag. The second and the third launch begin early, and wait for the former one before anything else.

#include <stdint.h>

#include "cuda/common/dependent.cuh"
#include "cuda/common/units.cuh"
#include "cuda/contextual_merge/assign.cuh"
#include "cuda/contextual_merge/steps.cuh"
#include "cuda/contextual_merge/targets.cuh"

namespace medpruner::cuda {

/** One block per segment. */
__global__ void merge_plan(ContextualMergeArgs args, MergeWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  admit_next_launch();
  const int64_t g = blockIdx.x;
  MergePlan plan = {};
  int64_t begin = 0;
  int64_t end = 0;
  const bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
  if (good) {
    const int64_t kept =
        plan_segment<false>(args, workspace, begin, end, end - begin, &plan, scratch);
    for (int64_t at = begin + kept + threadIdx.x; at < end; at += blockDim.x) {
      args.kept_indices[at] = -1;
    }
    if (threadIdx.x == 0) {
      args.kept_counts[g] = kept;
    }
  }
  if (threadIdx.x == 0) {
    workspace.plans[g] = plan;
    args.flags[g] = good ? 0 : MEDPRUNER_SEGMENT_BAD_OFFSETS;
  }
}

/** Rows [begin, end) of a segment but its targets, spread over `blocks` blocks, this being number `block`. */
template <class Unit>
__device__ inline void copy_merged(const ContextualMergeArgs& args, const MergePlan& plan,
                                   uint32_t block, uint32_t blocks, int64_t begin, int64_t end,
                                   int64_t row_units, bool once) {
  const int64_t element = args.dtype == DType::kF32 ? 4 : 2;
  char* merged = static_cast<char*>(args.merged);
  const char* features = static_cast<const char*>(args.features);
  for_each_row(
      block, blocks, begin, end,
      [&](int64_t i) {
        const int64_t row = plan.begin + i;
        return args.role[row] == MEDPRUNER_ROLE_TARGET ? -1 : row;
      },
      [&](int64_t, int64_t row) {
        if (row >= 0) {
          copy_row(reinterpret_cast<Unit*>(merged + row * args.merged_stride * element),
                   reinterpret_cast<const Unit*>(features + row * args.feature_stride * element),
                   row_units, once);
        }
      });
}

/**
 * Grid (segments, blocks per segment) of kRowThreads; after merge_plan. A segment's tasks are its tiles of
 * tokens to assign, then the first of its rows to copy, a warp each, unless they stay where they are.
 */
template <class Unit>
__global__ void __launch_bounds__(kRowThreads, kRowBlocks)
    merge_assign(ContextualMergeArgs args, MergeWorkspace workspace, int64_t row_units, bool copies,
                 bool once) {
  __shared__ AssignTile tile;
  await_former_launch();
  admit_next_launch();
  const MergePlan plan = workspace.plans[blockIdx.x];
  const uint32_t tiles = assign_tiles(plan);
  uint32_t task = blockIdx.y;
  for (; task < tiles; task += gridDim.y) {
    assign_tile(args, workspace, plan, task * kTileTokens, &args.flags[blockIdx.x], tile);
  }
  if (copies) {
    copy_merged<Unit>(args, plan, task - tiles, gridDim.y, 0, copied_early(plan.rows), row_units,
                      once);
  }
}

/**
 * Grid (segments, blocks per segment) of at most kTargetThreads; after merge_assign. By turns a block has a part
 * of a target and some of the rows that merge_assign left.
 */
template <class T, class Unit>
__global__ void __launch_bounds__(kTargetThreads, kTargetBlocks)
    merge_targets(ContextualMergeArgs args, MergeWorkspace workspace, uint32_t row_units,
                  uint32_t parts, bool copies, bool once) {
  __shared__ TargetMembers members;
  const Turns turns;
  await_former_launch();
  const MergePlan plan = workspace.plans[blockIdx.x];
  if (copies && turns.copies) {
    copy_merged<Unit>(args, plan, turns.number, turns.copying, copied_early(plan.rows), plan.rows,
                      row_units, once);
  }
  if (!turns.merges) {
    return;
  }
  T* merged = static_cast<T*>(args.merged);
  for (uint64_t task = turns.number; task < uint64_t{plan.targets} * parts; task += turns.merging) {
    const uint32_t t = static_cast<uint32_t>(task / parts);
    const int64_t row = workspace.rest[plan.begin + uint64_t{t} * plan.step];
    write_target<T, Unit>(args, workspace, plan, t, static_cast<uint32_t>(task % parts), row,
                          merged + row * args.merged_stride, row_units, members);
  }
}

}  // namespace medpruner::cuda
