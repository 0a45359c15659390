/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Kernels that do nothing but arithmetic, in registers: what the ceilings FLOP/s of a GPU are taken from. Every
// thread writes a sum that has a known value where all of the work was done.

#include "common/hd.hpp"
#include "cuda/common/mma.cuh"
#include "rate_block.hpp"

namespace rates {

// ---- f32 multiply-adds ----

constexpr int kFmaChains = 16;
constexpr double kFmaOperations = 2.0 * kFmaChains * kThreads;  // of a round of a block

/**
 * What a thread does, and what comes of it: so many chains that no result is needed before it is there. Those of a warp
 * differ: what is the same in all lanes is for sm_120 one operation of another unit, not 32 of this one.
 */
MEDPRUNER_HD inline float fma_sum(int rounds, int lane) {
  float x[kFmaChains];
  for (int c = 0; c < kFmaChains; ++c) {
    x[c] = static_cast<float>(lane * kFmaChains + c);
  }
#if defined(__CUDA_ARCH__)
#pragma unroll 8
#endif
  for (int r = 0; r < rounds; ++r) {
    for (int c = 0; c < kFmaChains; ++c) {
      x[c] = fmaf(x[c], 0.999f, 1e-3f);
    }
  }
  float sum = 0;
  for (int c = 0; c < kFmaChains; ++c) {
    sum += x[c];
  }
  return sum;
}

__global__ void __launch_bounds__(kThreads) fma_rate(float* sums, int rounds) {
  sums[blockIdx.x * blockDim.x + threadIdx.x] = fma_sum(rounds, static_cast<int>(threadIdx.x) % 32);
}

// ---- products of a warp ----

constexpr int kProductChains = 8;
constexpr double kProductOperations = 2.0 * 16 * 8 * 16 * kProductChains * (kThreads / 32);  // of a round of a block

/** Of ones: 16 in each of a lane's sums and round. */
inline float product_sum(int rounds) { return 16.0f * 4 * kProductChains * static_cast<float>(rounds); }

__global__ void __launch_bounds__(kThreads) product_rate(float* sums, int rounds) {
  const uint32_t a[4] = {kOnes, kOnes, kOnes, kOnes};
  float c[kProductChains][4] = {};
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int chain = 0; chain < kProductChains; ++chain) {
      medpruner::cuda::mma_m16n8k16(c[chain], a, kOnes, kOnes, medpruner::BFloat());
    }
  }
  float sum = 0;
#pragma unroll
  for (int chain = 0; chain < kProductChains; ++chain) {
    for (int i = 0; i < 4; ++i) {
      sum += c[chain][i];
    }
  }
  sums[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

}  // namespace rates
