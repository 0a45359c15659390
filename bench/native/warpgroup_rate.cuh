/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// As product_rate(), by the products of warpgroups, which sm_90a alone has and which do more than those of warps.

#include "cuda/common/wgmma.cuh"
#include "rate_block.hpp"

namespace rates {

constexpr int kGroup = 16;  // products that are started one behind the other
constexpr double kWarpgroupOperations = 2.0 * 64 * 128 * 16 * kGroup * (kThreads / 128);  // of a round of a block

/** Of ones: 16 from each product, in the two sums of a round that a thread looks at. */
inline float warpgroup_sum(int rounds) { return 2.0f * 16 * kGroup * static_cast<float>(rounds); }

/**
 * c = a * b, or c += a * b where kAdd, as warpgroup_multiply() but with 128 rows of b: twice the work for each row of a
 * that is read. At 64 the tensor cores would ask for all that shared memory gives, 128 bytes a cycle.
 */
template <bool kAdd>
__device__ inline void wide_multiply(float (&c)[2][32], medpruner::cuda::SharedMatrix a,
                                     medpruner::cuda::SharedMatrix b) {
#if defined(__CUDACC__)
#define RATES_C16(c) \
  "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7]), "+f"(c[8]), \
      "+f"(c[9]), "+f"(c[10]), "+f"(c[11]), "+f"(c[12]), "+f"(c[13]), "+f"(c[14]), "+f"(c[15])
  asm volatile(
      "{.reg .pred p; .reg .b64 a, b; mov.b64 a, {%64, %65}; mov.b64 b, {%66, %67}; setp.ne.u32 p, %68, 0; "
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "a, b, p, 1, 1, 0, 0;}"
      : RATES_C16((c[0])), RATES_C16((c[0] + 16)), RATES_C16((c[1])), RATES_C16((c[1] + 16))
      : "r"(a.low), "r"(a.high), "r"(b.low), "r"(b.high), "n"(kAdd ? 1 : 0)
      : "memory");
#undef RATES_C16
#else
  medpruner::cuda::warpgroup_multiply<kAdd>(c[0], a, b, medpruner::BFloat());
  medpruner::cuda::warpgroup_multiply<kAdd>(c[1], a, b.behind(64 * 16), medpruner::BFloat());
#endif
}

__global__ void __launch_bounds__(kThreads, 2) warpgroup_rate(float* sums, int rounds) {
  constexpr int kWords = (64 + 128) * 16 / 2;
  __shared__ __align__(128) uint32_t rows[kWords];  // of a, then of b
  for (int i = static_cast<int>(threadIdx.x); i < kWords; i += kThreads) {
    rows[i] = kOnes;
  }
  medpruner::cuda::fence_for_products();
  __syncthreads();
  const auto a = medpruner::cuda::shared_matrix(rows, 64 * 16, 128);
  const auto b = medpruner::cuda::shared_matrix(rows + 64 * 16 / 2, 128 * 16, 128);
  float c[2][32] = {};
  float sum = 0;
  for (int r = 0; r < rounds; ++r) {
    medpruner::cuda::warpgroup_arrive();
    wide_multiply<false>(c, a, b);
#pragma unroll
    for (int i = 1; i < kGroup; ++i) {
      wide_multiply<true>(c, a, b);
    }
    medpruner::cuda::warpgroup_commit();
    medpruner::cuda::warpgroup_wait<0>(c[0]);
    medpruner::cuda::warpgroup_wait<0>(c[1]);  // waits for nothing more
    sum += c[0][0] + c[1][31];
  }
  sums[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

}  // namespace rates
