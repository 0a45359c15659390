/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K4 in three launches: a block per segment plans (roles, targets, lists), blocks of tokens find their
// nearest target (keys through shared memory, one fused chain per pair in a thread's register), and a block
// per row writes the features. No atomics but the OR of a flag.

#include <math.h>
#include <stdint.h>

#include "cuda/contextual_merge/steps.cuh"

namespace medpruner::cuda {

constexpr int kTokens = 64;  // rest tokens of a block, a thread each
constexpr int kGroup = 16;   // targets whose chains a thread runs side by side
constexpr int kSpan = 32;    // components of the keys in shared memory at a time

/** One block per segment. */
__global__ void merge_plan(ContextualMergeArgs args, MergeWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  MergePlan plan = {};
  if (!segment_of(args.offsets, g, args.rows, &plan.begin, &plan.end)) {
    if (threadIdx.x == 0) {
      args.flags[g] = MEDPRUNER_SEGMENT_BAD_OFFSETS;
      workspace.plans[g] = kBadPlan;
    }
    return;
  }
  const int64_t kept = plan_segment(args, workspace, plan.end - plan.begin, &plan, scratch);
  for (int64_t at = plan.begin + kept + threadIdx.x; at < plan.end; at += blockDim.x) {
    args.kept_indices[at] = -1;
  }
  if (threadIdx.x == 0) {
    workspace.plans[g] = plan;
    args.kept_counts[g] = kept;
    args.flags[g] = 0;
  }
}

__device__ inline float inverse_norm(float squared) {
  return non_finite(squared) || squared < 1e-24f ? 0.0f : 1.0f / sqrtf(squared);
}

/** Copies components [from, from + kSpan) of `count` keys to tile[component][key]; all threads. */
template <int kKeys, int kStride>
__device__ inline void load_keys(const ContextualMergeArgs& args, const int64_t* rest,
                                 int64_t first, int64_t step, int64_t count, int64_t from,
                                 float (*tile)[kStride]) {
  // Neighbouring threads take neighbouring components of a key.
  for (int i = static_cast<int>(threadIdx.x); i < kKeys * kSpan; i += static_cast<int>(blockDim.x)) {
    const int64_t k = first + i / kSpan;
    const int64_t c = from + i % kSpan;
    tile[i % kSpan][i / kSpan] =
        k < count && c < args.dim ? args.keys[rest[k * step] * args.key_stride + c] : 0.0f;
  }
}

/** Grid (segments, blocks per segment) of kTokens threads; after merge_plan. */
__global__ void merge_assign(ContextualMergeArgs args, MergeWorkspace workspace) {
  __shared__ float token_tile[kSpan][kTokens + 1];
  __shared__ float target_tile[kSpan][kGroup];
  __shared__ float target_inverse[kGroup];
  const MergePlan plan = workspace.plans[blockIdx.x];
  const TargetPlan targets = plan.targets;
  const int64_t* rest = workspace.rest + plan.begin;
  const int thread = static_cast<int>(threadIdx.x);
  for (int64_t first = static_cast<int64_t>(blockIdx.y) * kTokens; first < plan.count;
       first += static_cast<int64_t>(gridDim.y) * kTokens) {
    const int64_t r = first + thread;
    float own = 0;
    int64_t best = 0;
    float best_similarity = -INFINITY;
    for (int64_t group = 0; group < targets.count; group += kGroup) {
      float dots[kGroup] = {};
      float squared = 0;
      float target_squared = 0;
      int64_t from = 0;
      do {
        __syncthreads();  // the former tiles have been read, and the former inverses
        load_keys<kTokens, kTokens + 1>(args, rest, first, 1, plan.count, from, token_tile);
        load_keys<kGroup, kGroup>(args, rest, group, targets.step, targets.count, from, target_tile);
        __syncthreads();
        const int width = args.dim - from < kSpan ? static_cast<int>(args.dim - from) : kSpan;
        for (int c = 0; c < width; ++c) {
          const float value = token_tile[c][thread];
          const float target = target_tile[c][thread % kGroup];
          squared = fmaf(value, value, squared);
          target_squared = fmaf(target, target, target_squared);
#pragma unroll
          for (int t = 0; t < kGroup; ++t) {
            dots[t] = fmaf(value, target_tile[c][t], dots[t]);
          }
        }
        from += kSpan;
      } while (from < args.dim);
      own = inverse_norm(squared);
      if (thread < kGroup) {
        target_inverse[thread] = inverse_norm(target_squared);
      }
      __syncthreads();
#pragma unroll
      for (int t = 0; t < kGroup; ++t) {
        if (group + t < targets.count) {
          const float other = target_inverse[t];
          const float similarity = own == 0 || other == 0 ? 0.0f : (dots[t] * own) * other;
          if (similarity > best_similarity) {
            best_similarity = similarity;
            best = group + t;
          }
        }
      }
    }
    if (r >= plan.count) {
      continue;
    }
    if (own == 0) {
      atomicOr(&args.flags[blockIdx.x], static_cast<uint32_t>(MEDPRUNER_SEGMENT_ZERO_KEY));
    }
    if (!targets.is_target(r)) {
      args.assignment[rest[r]] = rest[best * targets.step];
      workspace.slot[rest[r]] = best;
    }
  }
}

/** Grid (segments, blocks per segment), a block per row; after merge_assign. In place: the targets. */
template <class T, class Unit>
__global__ void merge_rows(ContextualMergeArgs args, MergeWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  __shared__ int64_t members[kMergeThreads];
  const MergePlan plan = workspace.plans[blockIdx.x];
  const T* features = static_cast<const T*>(args.features);
  T* merged = static_cast<T*>(args.merged);
  for (int64_t row = plan.begin + blockIdx.y; row < plan.end; row += gridDim.y) {
    T* out = merged + row * args.merged_stride;
    const T* own = features + row * args.feature_stride;
    if (args.role[row] == MEDPRUNER_ROLE_TARGET) {
      write_target(args, workspace, plan, row, out, members, scratch);
    } else if (out != own) {
      copy_row<Unit>(out, own, args.channels * static_cast<int64_t>(sizeof(T)));
    }
  }
}

}  // namespace medpruner::cuda
