/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K4's assignment: a tile of tokens against all targets of their segment.

#include <math.h>
#include <stdint.h>

#include "cuda/common/units.cuh"
#include "cuda/contextual_merge/steps.cuh"

namespace medpruner::cuda {

constexpr int kTileTokens = 32;  // a lane each
constexpr int kWarpTargets = 4;  // chains a thread runs side by side
constexpr int kTileTargets = kRowWarps * kWarpTargets;
constexpr int kSpan = 96;  // components of the keys in shared memory at a time: all of SigLIP's 72
/** An odd number of 16-byte units, so that lanes reading a unit of neighbouring keys meet all banks. */
constexpr int kKeyUnits = kSpan / 4 + 1;

struct AssignTile {
  float4 tokens[kTileTokens][kKeyUnits];
  float4 targets[kTileTargets][kKeyUnits];
  float similarity[kRowWarps][kTileTokens];
  uint32_t nearest[kRowWarps][kTileTokens];
};

__device__ inline float inverse_norm(float squared) {
  return non_finite(squared) || squared < 1e-24f ? 0.0f : 1.0f / sqrtf(squared);
}

__device__ inline uint32_t assign_tiles(const MergePlan& plan) {
  return plan.rest / kTileTokens + (plan.rest % kTileTokens > 0 ? 1 : 0);
}

/** Four steps of a chain of fused multiply-adds, in ascending order of the component. */
__device__ inline float chain(const float4& a, const float4& b, float sum) {
  return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}

/**
 * Components [from, from + kSpan) of the keys of rest[first], rest[first + step], ... to kKeys rows of shared
 * memory, zeros where `left` of them are fewer; all threads. A warp has the loads of four keys in flight.
 */
template <int kKeys>
__device__ inline void load_keys(const ContextualMergeArgs& args, const int64_t* rest,
                                 uint32_t step, uint32_t left, int64_t from,
                                 float4 (*tile)[kKeyUnits]) {
  constexpr int kOwn = kKeys / kRowWarps;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const uint32_t warp = threadIdx.x / 32;
  const float* keys[kOwn];
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const uint32_t k = warp + i * kRowWarps;
    keys[i] = k < left ? args.keys + rest[uint64_t{k} * step] * args.key_stride + from : nullptr;
  }
  const int width = args.dim - from < kSpan ? static_cast<int>(args.dim - from) : kSpan;
  const bool whole_units = (reinterpret_cast<uint64_t>(args.keys) % 16 |
                            static_cast<uint64_t>(args.key_stride) % 4 |
                            static_cast<uint64_t>(args.dim) % 4) == 0;
  if (whole_units) {
    if (4 * lane < width) {
      float4 values[kOwn];
#pragma unroll
      for (int i = 0; i < kOwn; ++i) {
        values[i] = keys[i] != nullptr ? reinterpret_cast<const float4*>(keys[i])[lane]
                                       : make_float4(0, 0, 0, 0);
      }
#pragma unroll
      for (int i = 0; i < kOwn; ++i) {
        tile[warp + i * kRowWarps][lane] = values[i];
      }
    }
    return;
  }
#pragma unroll 1
  for (int c = lane; c < (width + 3) / 4 * 4; c += 32) {
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      reinterpret_cast<float*>(tile[warp + i * kRowWarps])[c] =
          keys[i] != nullptr && c < width ? keys[i][c] : 0.0f;
    }
  }
}

/**
 * All threads of the block: assigns tokens [first, first + kTileTokens) of a segment's rest, a token to a
 * lane and four targets to a warp, and ORs ZERO_KEY into its flags.
 */
__device__ inline void assign_tile(const ContextualMergeArgs& args, const MergeWorkspace& workspace,
                                   const MergePlan& plan, uint32_t first, uint32_t* flags,
                                   AssignTile& tile) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const uint32_t warp = threadIdx.x / 32;
  const int64_t* rest = workspace.rest + plan.begin;
  float own = 0;
  float similarity = -INFINITY;
  uint32_t nearest = 0;
  for (uint32_t group = 0; group < plan.targets; group += kTileTargets) {
    const uint32_t target = group + warp * kWarpTargets;  // the warp's first
    float dots[kWarpTargets] = {};
    float squared = 0;
    float target_squared = 0;  // of the one that lane % kWarpTargets names
    int64_t from = 0;
    do {
      __syncthreads();  // what was in the tile has been read
      if (group == 0 || args.dim > kSpan) {
        load_keys<kTileTokens>(args, rest + first, 1, plan.rest - first, from, tile.tokens);
      }
      load_keys<kTileTargets>(args, rest + uint64_t{group} * plan.step, plan.step,
                              plan.targets - group, from, tile.targets);
      __syncthreads();
      if (target < plan.targets) {
        const int64_t left = args.dim - from;
        const int units = left < kSpan ? static_cast<int>(left + 3) / 4 : kSpan / 4;
        const float4* token_key = tile.tokens[lane];
        const float4(*target_keys)[kKeyUnits] = &tile.targets[warp * kWarpTargets];
        const float4* norm_key = target_keys[lane % kWarpTargets];
#pragma unroll 1
        for (int u = 0; u < units; ++u) {
          const float4 token = token_key[u];
          const float4 norm = norm_key[u];
          squared = chain(token, token, squared);
          target_squared = chain(norm, norm, target_squared);
#pragma unroll
          for (int t = 0; t < kWarpTargets; ++t) {
            dots[t] = chain(token, target_keys[t][u], dots[t]);
          }
        }
      }
      from += kSpan;
    } while (from < args.dim);
    if (target < plan.targets) {
      own = inverse_norm(squared);
      const float inverse = inverse_norm(target_squared);
#pragma unroll
      for (int t = 0; t < kWarpTargets; ++t) {
        const float other = __shfl_sync(kAllLanes, inverse, t);
        const float to = own == 0 || other == 0 ? 0.0f : (dots[t] * own) * other;
        if (target + t < plan.targets && to > similarity) {
          similarity = to;
          nearest = target + t;
        }
      }
    }
  }
  tile.similarity[warp][lane] = similarity;
  tile.nearest[warp][lane] = nearest;
  __syncthreads();
  const uint32_t rank = first + lane;
  if (warp > 0 || rank >= plan.rest) {
    return;  // the next tile writes behind a barrier that the first warp comes to after this
  }
#pragma unroll 1
  for (int w = 1; w < kRowWarps; ++w) {
    const float to = tile.similarity[w][lane];
    const uint32_t other = tile.nearest[w][lane];
    if (to > similarity || (to == similarity && other < nearest)) {
      similarity = to;
      nearest = other;
    }
  }
  if (own == 0) {
    atomicOr(flags, static_cast<uint32_t>(MEDPRUNER_SEGMENT_ZERO_KEY));
  }
  const int64_t row = rest[rank];
  const uint32_t number = rank / plan.step;
  const bool merged = number * plan.step != rank || number >= plan.targets;
  if (merged) {
    args.assignment[row] = rest[uint64_t{nearest} * plan.step];
  }
  workspace.assigned[plan.begin + rank] = {merged ? nearest : kNoTarget,
                                           static_cast<uint32_t>(row)};
}

}  // namespace medpruner::cuda
