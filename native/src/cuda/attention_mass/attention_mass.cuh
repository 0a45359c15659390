/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K2: one pass in two roles, row-stationary in both, so that every accumulator lives in registers and
// no float atomic is needed. Rows of Q against K give the log-sum-exp of each row; rows of K against Q
// give the column sums. tensor_pass.cuh has the pass on tensor cores, scalar_pass.cuh the one by fused
// multiply-adds; here is what comes before and after. Running sums are compensated (Kahan), because a
// plain f32 chain over thousands of queries would use up the 1e-5 that the header promises. All in base 2.

#include <math.h>
#include <stdint.h>

#include "common/op_args.hpp"
#include "common/pooling.hpp"
#include "cuda/common/block.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

constexpr double kLog2E = 1.4426950408889634;

struct MassWorkspace {
  int64_t* tiles;     // [segments + 1]: first row tile of each segment
  float* lse;         // [heads][rows], base 2
  float* head_mass;   // [heads][rows]
};

/** One block: which segments are good, and where their tiles of `tile_rows` rows begin. */
__global__ void mass_segments(AttentionMassArgs args, MassWorkspace workspace, int64_t tile_rows) {
  __shared__ int64_t tile[1024];
  const int thread = static_cast<int>(threadIdx.x);
  const int width = static_cast<int>(blockDim.x);
  int64_t before = 0;
  for (int64_t base = 0; base < args.segments; base += width) {
    const int64_t g = base + thread;
    int64_t count = 0;
    if (g < args.segments) {
      int64_t begin = 0;
      int64_t end = 0;
      bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
      const int64_t length = end - begin;
      good = good && (length == 0 || (length % args.pool == 0 && begin % args.pool == 0 &&
                                      (!args.grid || length == args.grid_h * args.grid_w)));
      args.flags[g] = good ? 0 : MEDPRUNER_SEGMENT_BAD_OFFSETS;
      count = good ? (length + tile_rows - 1) / tile_rows : 0;
    }
    tile[thread] = count;
    __syncthreads();
    for (int distance = 1; distance < width; distance *= 2) {
      const int64_t other = thread >= distance ? tile[thread - distance] : 0;
      __syncthreads();
      tile[thread] += other;
      __syncthreads();
    }
    const int64_t last = before + tile[thread];
    const int64_t total = tile[width - 1];
    __syncthreads();
    if (g < args.segments) {
      workspace.tiles[g] = last - count;
    }
    before += total;
  }
  if (thread == 0) {
    workspace.tiles[args.segments] = before;
  }
}

/** The caller's natural log-sum-exp in base 2; NaN for an infinity, which pass 2 would take for no mass. */
__global__ void mass_convert_lse(const float* natural, float* base2, int64_t count) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    const float value = static_cast<float>(static_cast<double>(natural[i]) * kLog2E);
    base2[i] = non_finite(value) ? bits_to_float(kNanF32) : value;
  }
}

/** A running sum with the low-order part it could not hold. */
struct Compensated {
  float sum, lost;

  __device__ void add(float value) {
    const float corrected = value - lost;
    const float next = sum + corrected;
    lost = (next - sum) - corrected;
    sum = next;
  }
  __device__ void scale(float factor) {
    sum *= factor;
    lost *= factor;
  }
};

/** Segment whose tiles contain `tile`. */
__device__ inline int64_t segment_of_tile(const int64_t* tiles, int64_t segments, int64_t tile) {
  int64_t low = 0;
  int64_t high = segments;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (tiles[middle] <= tile) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/**
 * Items of work: a row tile of one head each, numbered heads first. The host takes no more than INT32_MAX of
 * them; only segments that overlap can make more, and what those hold is not specified.
 */
__device__ inline unsigned mass_items(const AttentionMassArgs& args, const int64_t* tiles) {
  const int64_t most = INT32_MAX / args.heads;
  const int64_t count = tiles[args.segments];
  return static_cast<unsigned>((count < most ? count : most) * args.heads);
}

struct MassItem {
  int64_t segment, head;
  int64_t begin, length;  // of the segment
  int64_t first;          // row within it: the one at `offset` in the tile

  __device__ MassItem(const AttentionMassArgs& args, const int64_t* tiles, unsigned item,
                      int tile_rows, int offset) {
    const unsigned heads = static_cast<unsigned>(args.heads);
    const int64_t tile = item / heads;
    head = item % heads;
    segment = segment_of_tile(tiles, args.segments, tile);
    begin = args.offsets[segment];
    length = args.offsets[segment + 1] - begin;
    first = (tile - tiles[segment]) * tile_rows + offset;
  }
};

/** One block per segment: mean over heads and patches; NaN throughout a broken segment. */
__global__ void mass_pool(AttentionMassArgs args, MassWorkspace workspace) {
  const int64_t g = blockIdx.x;
  if ((args.flags[g] & MEDPRUNER_SEGMENT_BAD_OFFSETS) != 0) {
    return;
  }
  const int64_t begin = args.offsets[g];
  const int64_t tokens = (args.offsets[g + 1] - begin) / args.pool;
  float* mass = args.mass + begin / args.pool;
  const double divisor = static_cast<double>(args.pool) * static_cast<double>(args.heads);
  bool broken = args.flags[g] != 0;
  for (int64_t j = threadIdx.x; j < tokens; j += blockDim.x) {
    double sum = 0;
    for (int64_t m = 0; m < args.pool; ++m) {
      const float* patch = workspace.head_mass + begin + pooled_patch(args, j, m);
      for (int64_t h = 0; h < args.heads; ++h) {
        sum += static_cast<double>(patch[h * args.rows]);
      }
    }
    const float mean = static_cast<float>(sum / divisor);
    broken = broken || non_finite(mean);
    mass[j] = mean;
  }
  if (__syncthreads_or(broken ? 1 : 0) == 0) {
    return;
  }
  for (int64_t j = threadIdx.x; j < tokens; j += blockDim.x) {
    mass[j] = bits_to_float(kNanF32);
  }
  if (threadIdx.x == 0) {
    args.flags[g] = MEDPRUNER_SEGMENT_NON_FINITE;
  }
}

/** Grid (segments, blocks per segment), a thread per token and component. */
template <class T>
__global__ void mass_pool_keys(AttentionMassArgs args) {
  const int64_t g = blockIdx.x;
  if ((args.flags[g] & MEDPRUNER_SEGMENT_BAD_OFFSETS) != 0) {
    return;
  }
  const int64_t begin = args.offsets[g];
  const int64_t count = (args.offsets[g + 1] - begin) / args.pool * args.dim;
  const T* keys = static_cast<const T*>(args.key) + begin * args.key_row_stride;
  float* pooled = args.pooled_keys + begin / args.pool * args.dim;
  const double divisor = static_cast<double>(args.pool) * static_cast<double>(args.heads);
  const int64_t step = static_cast<int64_t>(gridDim.y) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    const int64_t token = i / args.dim;
    const int64_t component = i % args.dim;
    double sum = 0;
    for (int64_t m = 0; m < args.pool; ++m) {
      const T* patch = keys + pooled_patch(args, token, m) * args.key_row_stride + component;
      for (int64_t h = 0; h < args.heads; ++h) {
        sum += static_cast<double>(to_float(patch[h * args.key_head_stride]));
      }
    }
    pooled[i] = static_cast<float>(sum / divisor);
  }
}

}  // namespace medpruner::cuda
