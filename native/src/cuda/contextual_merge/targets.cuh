/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K4's merging: a block per target row, or per part of its channels.

#include <stdint.h>
#include <string.h>

#include "cuda/common/units.cuh"
#include "cuda/contextual_merge/steps.cuh"

namespace medpruner::cuda {

constexpr int kTargetThreads = 256;  // at most; more channels are for more blocks
constexpr int kTargetBlocks = 4;     // of them, on a multiprocessor, at least
constexpr int kLookedThrough = 4;    // assigned tokens that a thread looks at in a round
constexpr int kAhead = 8;            // members whose features a thread asks for before it adds any

/** What a block of a segment does in the last launch: every other one merges, the others copy; one alone both. */
struct Turns {
  uint32_t number = blockIdx.y / 2;  // among its kind
  uint32_t merging = (gridDim.y + 1) / 2;
  uint32_t copying = gridDim.y > 1 ? gridDim.y / 2 : 1;
  bool merges = blockIdx.y % 2 == 0;
  bool copies = blockIdx.y % 2 == 1 || gridDim.y == 1;

  __device__ Turns() {}
};

struct TargetMembers {
  uint32_t of_warps[kTargetThreads / 32];
  uint32_t rows[kTargetThreads * kLookedThrough];
};

/**
 * All threads of the block: lists the members of a target among a round of the segment's list, from `base` on,
 * ascending.
 */
__device__ inline uint32_t list_members(const MergeWorkspace& workspace, const MergePlan& plan,
                                        uint64_t base, uint32_t target, TargetMembers& members) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  const uint64_t first = base + uint64_t{threadIdx.x} * kLookedThrough;
  Assigned own[kLookedThrough];
#pragma unroll
  for (int k = 0; k < kLookedThrough; ++k) {
    own[k] = first + k < plan.rest ? workspace.assigned[plan.begin + first + k]
                                   : Assigned{kNoTarget, 0};
  }
  uint32_t at = 0;
  uint32_t of_warp = 0;
#pragma unroll
  for (int k = 0; k < kLookedThrough; ++k) {
    const unsigned ballot = __ballot_sync(kAllLanes, own[k].target == target);
    at += static_cast<uint32_t>(__popc(ballot & ((1u << lane) - 1u)));
    of_warp += static_cast<uint32_t>(__popc(ballot));
  }
  if (lane == 0) {
    members.of_warps[warp] = of_warp;
  }
  __syncthreads();  // and the former members have been read
  uint32_t found = 0;
  for (int w = 0; w < warps; ++w) {
    const uint32_t count = members.of_warps[w];
    at += w < warp ? count : 0;
    found += count;
  }
#pragma unroll
  for (int k = 0; k < kLookedThrough; ++k) {
    if (own[k].target == target) {
      members.rows[at++] = own[k].row;
    }
  }
  __syncthreads();
  return found;
}

/** Adds what a unit holds to a thread's sums. */
template <class T, class Unit>
__device__ inline void add_channels(const Unit& unit, float* sums) {
  constexpr int kChannels = sizeof(Unit) / sizeof(T);
  T values[kChannels];
  memcpy(values, &unit, sizeof unit);
#pragma unroll
  for (int c = 0; c < kChannels; ++c) {
    sums[c] += to_float(values[c]);
  }
}

/**
 * Adds unit u of the members to a thread's sums, member after member, kAhead of them in flight. The last ones may
 * be zeros, which leave every sum as it is: one that began at +0 is never -0.
 */
template <class T, class Unit>
__device__ inline void add_members(const ContextualMergeArgs& args, const TargetMembers& members,
                                   uint32_t found, uint32_t u, float* sums) {
  const T* features = static_cast<const T*>(args.features);
  for (uint32_t m = 0; m < found; m += kAhead) {
    Unit loaded[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      loaded[i] = Unit{};
      if (m + i < found) {
        const T* row = features + members.rows[m + i] * args.feature_stride;
        loaded[i] = load_once(reinterpret_cast<const Unit*>(row) + u);
      }
    }
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      add_channels<T>(loaded[i], sums);
    }
  }
}

/**
 * All threads of the block: part number `part` of target number `target` of a segment with what was merged into
 * it, from its row of the features to `out`, which may be that row. A thread has a unit of it.
 */
template <class T, class Unit>
__device__ inline void write_target(const ContextualMergeArgs& args,
                                    const MergeWorkspace& workspace, const MergePlan& plan,
                                    uint32_t target, uint32_t part, int64_t row, T* out,
                                    uint32_t units, TargetMembers& members) {
  constexpr int kChannels = sizeof(Unit) / sizeof(T);
  const uint32_t u = part * blockDim.x + threadIdx.x;
  const bool there = u < units;
  const T* own = static_cast<const T*>(args.features) + row * args.feature_stride;
  Unit result = {};
  float sums[kChannels] = {};
  uint32_t count = 0;
  for (uint64_t base = 0; base < plan.rest; base += uint64_t{blockDim.x} * kLookedThrough) {
    const uint32_t found = list_members(workspace, plan, base, target, members);
    count += found;
    if (there) {
      if (base == 0) {  // behind the barriers of the list, which need not wait for it
        result = reinterpret_cast<const Unit*>(own)[u];
      }
      add_members<T, Unit>(args, members, found, u, sums);
    }
  }
  if (!there) {
    return;
  }
  if (count > 0) {
    T values[kChannels];
    memcpy(values, &result, sizeof result);
#pragma unroll
    for (int c = 0; c < kChannels; ++c) {
      from_float(to_float(values[c]) + sums[c] / static_cast<float>(count), &values[c]);
    }
    memcpy(&result, values, sizeof result);
  }
  reinterpret_cast<Unit*>(out)[u] = result;
}

}  // namespace medpruner::cuda
