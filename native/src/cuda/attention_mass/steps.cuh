/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What comes before the passes of K2 and after them.

#include "common/pooling.hpp"
#include "cuda/attention_mass/attention_mass.cuh"

namespace medpruner::cuda {

/**
 * One block: which segments are good, and where their tiles of `tile_rows` rows begin. `peak`: what
 * all peaks start from.
 */
__global__ void mass_segments(AttentionMassArgs args, MassWorkspace workspace, int64_t tile_rows,
                              uint32_t peak) {
  __shared__ int64_t tile[1024];
  const int thread = static_cast<int>(threadIdx.x);
  const int width = static_cast<int>(blockDim.x);
  for (int64_t i = thread; i < args.segments * args.heads; i += width) {
    workspace.peaks[i] = {peak, peak};
  }
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

/**
 * The caller's natural log-sum-exp in base 2; NaN for an infinity, which pass 2 would take for no mass. A finite one
 * beyond f32 in base 2 becomes infinite, and is that: no logit has a mass, or each an exponential beyond f32.
 */
__global__ void mass_convert_lse(const float* natural, float* base2, int64_t count) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    const float value = static_cast<float>(static_cast<double>(natural[i]) * kLog2E);
    base2[i] = non_finite(natural[i]) ? bits_to_float(kNanF32) : value;
  }
}

/**
 * One block of up to 1024 threads per segment: mean over heads and patches; NaN throughout a broken segment. One is
 * where a log-sum-exp of pass 1 is not finite: a row of an infinite one adds nothing to any column, which shows nowhere.
 */
__global__ void __launch_bounds__(1024) mass_pool(AttentionMassArgs args, MassWorkspace workspace) {
  const int64_t g = blockIdx.x;
  if ((args.flags[g] & MEDPRUNER_SEGMENT_BAD_OFFSETS) != 0) {
    return;
  }
  const int64_t begin = args.offsets[g];
  const int64_t tokens = (args.offsets[g + 1] - begin) / args.pool;
  float* mass = args.mass + begin / args.pool;
  const double divisor = static_cast<double>(args.pool) * static_cast<double>(args.heads);
  bool broken = args.flags[g] != 0;
  const bool own_lse = args.lse == nullptr;
  for (int64_t j = threadIdx.x; j < tokens; j += blockDim.x) {
    double sum = 0;
    for (int64_t m = 0; m < args.pool; ++m) {
      const int64_t patch = begin + pooled_patch(args, j, m);
#pragma unroll 8
      for (int64_t h = 0; h < args.heads; ++h) {
        sum += static_cast<double>(workspace.head_mass[patch + h * args.rows]);
        broken |= own_lse && non_finite(workspace.lse[patch + h * args.rows]);
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
