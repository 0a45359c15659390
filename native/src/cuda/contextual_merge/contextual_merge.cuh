/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K4 as a chain of launches: list the rest of each segment, norms, nearest target of each rest token
// (one thread runs its fused chains, kGroup targets at a time), kept lists, then the merge: a block per
// target finds its members in ascending order and adds them channel by channel. No atomics but the OR
// of a flag.

#include <math.h>
#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "medpruner/contextual_merge.h"

namespace medpruner::cuda {

constexpr int kGroup = 8;         // targets whose chains a thread runs side by side
constexpr int kMergeThreads = 256;

/** What the later launches need of a segment. */
struct MergePlan {
  int64_t begin, end;  // end < begin: bad offsets
  int64_t count;       // tokens outside the nucleus
  int64_t targets, step;
};

struct MergeWorkspace {
  MergePlan* plans;  // [segments]
  int64_t* rest;     // [rows]: of segment g from offsets[g] on
  int64_t* slot;     // [rows]: target number of each rest token, -1 for a target
  float* inverse;    // [rows]: inverse key norm of each rest token
};

/** One block per segment. */
__global__ void merge_plan(ContextualMergeArgs args, MergeWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  MergePlan plan = {};
  if (!segment_of(args.offsets, g, args.rows, &plan.begin, &plan.end)) {
    if (threadIdx.x == 0) {
      args.flags[g] = MEDPRUNER_SEGMENT_BAD_OFFSETS;
      workspace.plans[g] = {0, -1, 0, 0, 1};
    }
    return;
  }
  int64_t count = 0;
  for (int64_t base = plan.begin; base < plan.end; base += blockDim.x) {
    const int64_t row = base + threadIdx.x;
    const bool left = row < plan.end && args.nucleus[row] == 0;
    uint32_t total = 0;
    const uint32_t rank = block_rank(left, scratch, &total);
    if (left) {
      workspace.rest[plan.begin + count + rank] = row;
    } else if (row < plan.end) {
      args.role[row] = MEDPRUNER_ROLE_NUCLEUS;
      args.assignment[row] = row;
    }
    count += total;
  }
  if (threadIdx.x == 0) {
    const int64_t limit = target_limit(args.ratio, plan.end - plan.begin);
    plan.count = count;
    plan.step = count / limit > 1 ? count / limit : 1;
    plan.targets = (count + plan.step - 1) / plan.step;
    plan.targets = plan.targets < limit ? plan.targets : limit;
    workspace.plans[g] = plan;
    args.flags[g] = 0;
  }
}

/** Grid (segments, blocks per segment), a thread per rest token. */
__global__ void merge_norms(ContextualMergeArgs args, MergeWorkspace workspace) {
  const int64_t g = blockIdx.x;
  const MergePlan plan = workspace.plans[g];
  const int64_t step = static_cast<int64_t>(gridDim.y) * blockDim.x;
  for (int64_t r = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x; r < plan.count;
       r += step) {
    const float* key = args.keys + workspace.rest[plan.begin + r] * args.key_stride;
    float squared = 0;
    for (int64_t c = 0; c < args.dim; ++c) {
      squared = fmaf(key[c], key[c], squared);
    }
    const bool zero = non_finite(squared) || squared < 1e-24f;
    workspace.inverse[plan.begin + r] = zero ? 0.0f : 1.0f / sqrtf(squared);
    if (zero) {
      atomicOr(&args.flags[g], static_cast<uint32_t>(MEDPRUNER_SEGMENT_ZERO_KEY));
    }
  }
}

/** Grid (segments, blocks per segment), a thread per rest token; after merge_norms. */
__global__ void merge_assign(ContextualMergeArgs args, MergeWorkspace workspace) {
  const MergePlan plan = workspace.plans[blockIdx.x];
  const int64_t* rest = workspace.rest + plan.begin;
  const float* inverse = workspace.inverse + plan.begin;
  const int64_t step = static_cast<int64_t>(gridDim.y) * blockDim.x;
  for (int64_t r = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x; r < plan.count;
       r += step) {
    const int64_t row = rest[r];
    if (r % plan.step == 0 && r / plan.step < plan.targets) {
      args.role[row] = MEDPRUNER_ROLE_TARGET;
      args.assignment[row] = row;
      workspace.slot[plan.begin + r] = -1;
      continue;
    }
    const float* key = args.keys + row * args.key_stride;
    const float own = inverse[r];
    int64_t best = 0;
    float best_similarity = -INFINITY;
    for (int64_t first = 0; first < plan.targets; first += kGroup) {
      const float* target[kGroup];
      float dots[kGroup];
#pragma unroll
      for (int t = 0; t < kGroup; ++t) {
        const int64_t index = first + t < plan.targets ? first + t : plan.targets - 1;
        target[t] = args.keys + rest[index * plan.step] * args.key_stride;
        dots[t] = 0;
      }
      for (int64_t c = 0; c < args.dim; ++c) {
        const float value = key[c];
#pragma unroll
        for (int t = 0; t < kGroup; ++t) {
          dots[t] = fmaf(value, target[t][c], dots[t]);
        }
      }
#pragma unroll
      for (int t = 0; t < kGroup; ++t) {
        if (first + t < plan.targets) {
          const float other = inverse[(first + t) * plan.step];
          const float similarity = own == 0 || other == 0 ? 0.0f : (dots[t] * own) * other;
          if (similarity > best_similarity) {
            best_similarity = similarity;
            best = first + t;
          }
        }
      }
    }
    args.role[row] = MEDPRUNER_ROLE_MERGED;
    args.assignment[row] = rest[best * plan.step];
    workspace.slot[plan.begin + r] = best;
  }
}

/** One block per segment; after merge_assign. */
__global__ void merge_list(ContextualMergeArgs args, MergeWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  const MergePlan plan = workspace.plans[g];
  if (plan.end < plan.begin) {
    return;
  }
  int64_t kept = 0;
  for (int64_t base = plan.begin; base < plan.end; base += blockDim.x) {
    const int64_t row = base + threadIdx.x;
    const bool keep = row < plan.end && args.role[row] != MEDPRUNER_ROLE_MERGED;
    uint32_t total = 0;
    const uint32_t rank = block_rank(keep, scratch, &total);
    if (keep) {
      args.kept_indices[plan.begin + kept + rank] = row;
    }
    kept += total;
  }
  for (int64_t at = plan.begin + kept + threadIdx.x; at < plan.end; at += blockDim.x) {
    args.kept_indices[at] = -1;
  }
  if (threadIdx.x == 0) {
    args.kept_counts[g] = kept;
  }
}

/** Grid (segments, blocks per segment): features to merged, row by row, when not in place. */
template <class T>
__global__ void merge_copy(ContextualMergeArgs args, MergeWorkspace workspace) {
  const MergePlan plan = workspace.plans[blockIdx.x];
  const T* features = static_cast<const T*>(args.features);
  T* merged = static_cast<T*>(args.merged);
  for (int64_t row = plan.begin + blockIdx.y; row < plan.end; row += gridDim.y) {
    for (int64_t c = threadIdx.x; c < args.channels; c += blockDim.x) {
      merged[row * args.merged_stride + c] = features[row * args.feature_stride + c];
    }
  }
}

/**
 * Grid (segments, blocks per segment), a block per target and a thread per channel; after merge_assign
 * and merge_copy. Reads merged rows (never written here) and its own target row, which may be the
 * memory it writes: each thread reads its channel before it writes it.
 */
template <class T>
__global__ void merge_targets(ContextualMergeArgs args, MergeWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  __shared__ int64_t members[kMergeThreads];
  const MergePlan plan = workspace.plans[blockIdx.x];
  const int64_t* rest = workspace.rest + plan.begin;
  const int64_t* slot = workspace.slot + plan.begin;
  const T* features = static_cast<const T*>(args.features);
  T* merged = static_cast<T*>(args.merged);
  for (int64_t t = blockIdx.y; t < plan.targets; t += gridDim.y) {
    const int64_t target = rest[t * plan.step];
    for (int64_t column = 0; column < args.channels; column += blockDim.x) {
      const int64_t channel = column + threadIdx.x;
      const bool inside = channel < args.channels;
      float sum = 0;
      int64_t count = 0;
      for (int64_t base = 0; base < plan.count; base += blockDim.x) {
        const int64_t r = base + threadIdx.x;
        const bool member = r < plan.count && slot[r] == t;
        uint32_t found = 0;
        const uint32_t rank = block_rank(member, scratch, &found);
        if (member) {
          members[rank] = rest[r];
        }
        __syncthreads();
        for (uint32_t m = 0; inside && m < found; ++m) {
          sum += to_float(features[members[m] * args.feature_stride + channel]);
        }
        count += found;  // members is filled anew behind the barriers of block_rank
      }
      if (inside && count > 0) {
        const float own = to_float(features[target * args.feature_stride + channel]);
        from_float(own + sum / static_cast<float>(count),
                   &merged[target * args.merged_stride + channel]);
      }
    }
  }
}

}  // namespace medpruner::cuda
