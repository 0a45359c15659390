/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The steps of K4 that prune shares.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/backend.hpp"
#include "cuda/common/block.cuh"
#include "cuda/common/units.cuh"
#include "medpruner/contextual_merge.h"

namespace medpruner::cuda {

constexpr int kMergeThreads = 256;
constexpr int kColumns = 16;  // channels a thread sums side by side

/** What the later launches need of a segment. */
struct MergePlan {
  int64_t begin, end;  // end < begin: bad offsets
  int64_t count;       // tokens outside the nucleus
  TargetPlan targets;
};
constexpr MergePlan kBadPlan = {0, -1, 0, {1, 0}};

struct MergeWorkspace {
  MergePlan* plans;  // [segments]
  int64_t* rest;     // [rows]: rows outside the nucleus, of segment g from offsets[g] on
  int64_t* slot;     // [rows]: number of the target a row outside the nucleus is or belongs to
};

inline MergeWorkspace merge_workspace(const ContextualMergeArgs& args, WorkspaceLayout& layout) {
  MergeWorkspace workspace;
  workspace.plans = layout.take<MergePlan>(args.segments);
  workspace.rest = layout.take<int64_t>(args.rows);
  workspace.slot = layout.take<int64_t>(args.rows);
  return workspace;
}

/**
 * All threads of the block: roles, the rest list, the kept list, and the assignment of nucleus and
 * target rows. Returns how many of the first `leading` rows are kept.
 */
__device__ inline int64_t plan_segment(const ContextualMergeArgs& args,
                                       const MergeWorkspace& workspace, int64_t leading,
                                       MergePlan* plan, uint64_t* scratch) {
  const int64_t begin = plan->begin;
  const int64_t end = plan->end;
  uint64_t left = 0;
  uint64_t left_leading = 0;
  for (int64_t row = begin + threadIdx.x; row < end; row += blockDim.x) {
    const bool rest = args.nucleus[row] == 0;
    left += rest ? 1 : 0;
    left_leading += rest && row - begin < leading ? 1 : 0;
  }
  plan->count = static_cast<int64_t>(block_sum(left, scratch));
  const int64_t rest_leading = static_cast<int64_t>(block_sum(left_leading, scratch));
  const TargetPlan targets = TargetPlan::of(args.ratio, end - begin, plan->count);
  plan->targets = targets;
  int64_t before = 0;
  for (int64_t base = begin; base < end; base += blockDim.x) {
    const int64_t row = base + threadIdx.x;
    const bool rest = row < end && args.nucleus[row] == 0;
    uint32_t total = 0;
    const int64_t rank = before + block_rank(rest, scratch, &total);
    before += total;
    if (row >= end) {
      continue;
    }
    const bool target = rest && targets.is_target(rank);
    args.role[row] = !rest ? MEDPRUNER_ROLE_NUCLEUS
                           : (target ? MEDPRUNER_ROLE_TARGET : MEDPRUNER_ROLE_MERGED);
    if (rest) {
      workspace.rest[begin + rank] = row;
    }
    if (target) {
      workspace.slot[row] = rank / targets.step;
    }
    if (!rest || target) {
      args.assignment[row] = row;
      // All rows before this one are kept but the merged ones.
      args.kept_indices[row - rank + targets.before(rank)] = row;
    }
  }
  return leading - rest_leading + targets.before(rest_leading);
}

/**
 * All threads of the block: a target's row with what was merged into it, to `out`, which may be the row
 * itself. Every target looks its members up in the rest list anew, ascending: next to the members'
 * features that is little to read, and it needs neither a sort nor a launch of its own.
 */
template <class T>
__device__ inline void write_target(const ContextualMergeArgs& args,
                                    const MergeWorkspace& workspace, const MergePlan& plan,
                                    int64_t row, T* out, int64_t* members, uint64_t* scratch) {
  const int64_t* rest = workspace.rest + plan.begin;
  const int64_t target = workspace.slot[row];
  const T* features = static_cast<const T*>(args.features);
  const T* own = features + row * args.feature_stride;
  for (int64_t column = 0; column < args.channels;
       column += static_cast<int64_t>(blockDim.x) * kColumns) {
    const int64_t first = column + threadIdx.x;
    float sums[kColumns] = {};
    int64_t count = 0;
    for (int64_t base = 0; base < plan.count; base += blockDim.x) {
      const int64_t r = base + threadIdx.x;
      const int64_t candidate = r < plan.count ? rest[r] : row;
      const bool member = candidate != row && workspace.slot[candidate] == target;
      uint32_t found = 0;
      const uint32_t rank = block_rank(member, scratch, &found);
      if (member) {
        members[rank] = candidate;
      }
      __syncthreads();
      for (uint32_t m = 0; m < found; ++m) {
        const T* from = features + members[m] * args.feature_stride;
#pragma unroll
        for (int k = 0; k < kColumns; ++k) {
          const int64_t c = first + static_cast<int64_t>(k) * blockDim.x;
          sums[k] += c < args.channels ? to_float(from[c]) : 0.0f;
        }
      }
      count += found;  // members is filled anew behind the barriers of block_rank
    }
#pragma unroll
    for (int k = 0; k < kColumns; ++k) {
      const int64_t c = first + static_cast<int64_t>(k) * blockDim.x;
      if (c >= args.channels) {
        continue;
      }
      if (count > 0) {
        from_float(to_float(own[c]) + sums[k] / static_cast<float>(count), &out[c]);
      } else if (out != own) {
        out[c] = own[c];
      }
    }
  }
}

/**
 * Launches the assignment of the merged rows, for plans and lists as plan_segment leaves them; ORs
 * ZERO_KEY into the flags.
 */
void launch_assign(const ContextualMergeArgs& args, const MergeWorkspace& workspace, Launch launch);

}  // namespace medpruner::cuda
