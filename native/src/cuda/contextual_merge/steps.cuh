/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What the launches of K4 leave to each other, and the first of them, the plan of a segment.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "medpruner/contextual_merge.h"

namespace medpruner::cuda {

constexpr int kPlanThreads = 256;
constexpr int kLongPlanThreads = 1024;

/** A segment of fewer than 2^32 rows; of none where its offsets are bad. */
struct MergePlan {
  int64_t begin;
  uint32_t rows;
  uint32_t rest;  // tokens outside the nucleus
  uint32_t step;  // target t is number t * step of them
  uint32_t targets;
};

constexpr uint32_t kNoTarget = UINT32_MAX;

/**
 * How many of a segment's rows are copied beside the assignment; the others are copied beside the targets, whose
 * blocks wait for one list after another.
 */
__device__ inline int64_t copied_early(int64_t rows) { return rows * 3 / 8; }

/** A token outside the nucleus. */
struct alignas(8) Assigned {
  uint32_t target;  // number of the target it is assigned to; kNoTarget: it is one
  uint32_t row;
};

/** The lists go over the tokens outside the nucleus of segment g, ascending, from offsets[g] on. */
struct MergeWorkspace {
  MergePlan* plans;    // [segments]
  int64_t* rest;       // [rows]: their rows
  Assigned* assigned;  // [rows]
};

inline MergeWorkspace merge_workspace(const ContextualMergeArgs& args, WorkspaceLayout& layout) {
  MergeWorkspace workspace;
  workspace.plans = layout.take<MergePlan>(args.segments);
  workspace.rest = layout.take<int64_t>(args.rows);
  workspace.assigned = layout.take<Assigned>(args.rows);
  return workspace;
}

/** A row of the segment, of which `rank` rows before it are outside the nucleus. */
template <bool kMarked>
__device__ inline void plan_row(const ContextualMergeArgs& args, const MergeWorkspace& workspace,
                                const MergePlan& plan, int64_t row, bool rest, uint32_t rank) {
  const uint32_t number = rank / plan.step;
  const uint32_t passed = number * plan.step < rank ? number + 1 : number;
  const uint32_t earlier = passed < plan.targets ? passed : plan.targets;  // targets before it
  const bool target = rest && number < plan.targets && number * plan.step == rank;
  args.role[row] = !rest ? MEDPRUNER_ROLE_NUCLEUS
                         : (target ? MEDPRUNER_ROLE_TARGET : MEDPRUNER_ROLE_MERGED);
  if (rest) {
    workspace.rest[plan.begin + rank] = row;
  }
  if (!rest || target) {
    args.assignment[row] = row;
    // All rows before this one are kept but the merged ones.
    args.kept_indices[row - rank + earlier] = kMarked && target ? ~row : row;
  }
}

/**
 * All threads of the block: roles, the rest list, the kept list (with kMarked, target rows as ~row), and the
 * assignment of nucleus and target rows of segment [begin, end). Returns how many of its first `leading` rows
 * are kept. A whole segment with a thread for every row takes two barriers.
 */
template <bool kMarked>
__device__ inline int64_t plan_segment(const ContextualMergeArgs& args,
                                       const MergeWorkspace& workspace, int64_t begin, int64_t end,
                                       int64_t leading, MergePlan* result, uint64_t* scratch) {
  const uint32_t rows = static_cast<uint32_t>(end - begin);
  const uint8_t* nucleus = args.nucleus + begin;
  bool own = threadIdx.x < rows && nucleus[threadIdx.x] == 0;
  uint32_t before = 0;  // the round
  uint32_t rank = block_rank(own, scratch, &before);
  uint32_t rest = before;
  uint32_t rest_leading = before;
  if (rows > blockDim.x || leading < rows) {
    uint64_t both = 0;  // of all rows in the upper half, of the leading ones in the lower
#pragma unroll 1
    for (uint64_t at = threadIdx.x; at < rows; at += blockDim.x) {
      const uint64_t counts = (uint64_t{1} << 32) + (static_cast<int64_t>(at) < leading ? 1 : 0);
      both += nucleus[at] == 0 ? counts : 0;
    }
    both = block_sum(both, scratch);
    rest = static_cast<uint32_t>(both >> 32);
    rest_leading = static_cast<uint32_t>(both);
  }
  const TargetPlan targets = TargetPlan::of(args.ratio, rows, rest);
  const MergePlan plan = {begin, rows, rest, static_cast<uint32_t>(targets.step),
                          static_cast<uint32_t>(targets.count)};
  *result = plan;
#pragma unroll 1
  for (uint64_t base = 0;;) {
    const uint64_t at = base + threadIdx.x;
    if (at < rows) {
      plan_row<kMarked>(args, workspace, plan, begin + static_cast<int64_t>(at), own, rank);
    }
    base += blockDim.x;
    if (base >= rows) {
      break;
    }
    own = at + blockDim.x < rows && nucleus[at + blockDim.x] == 0;
    uint32_t total = 0;
    rank = before + block_rank(own, scratch, &total);
    before += total;
  }
  return leading - int64_t{rest_leading} + targets.before(rest_leading);
}

}  // namespace medpruner::cuda
