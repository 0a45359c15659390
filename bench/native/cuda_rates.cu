/* SPDX-License-Identifier: Apache-2.0 */
#include <utility>

#include "rate_kernels.cuh"
#include "time_rate.cuh"
#include "warpgroup_rate.hpp"

namespace cuda_clock {

Rate time_fma(int runs, void* stream) {
  constexpr int kRounds = 16384;
  std::vector<float> sums;
  for (int lane = 0; lane < 32; ++lane) {
    sums.push_back(rates::fma_sum(kRounds, lane));
  }
  return time_rate({rates::fma_rate, kRounds, 8, rates::kFmaOperations, std::move(sums),
                    "independent multiply-adds in registers"},
                   runs, stream);
}

std::optional<Rate> time_products(int runs, void* stream) {
  const int major = attribute(cudaDevAttrComputeCapabilityMajor);
#if defined(MEDPRUNER_WARPGROUPS)
  if (major == 9 && attribute(cudaDevAttrComputeCapabilityMinor) == 0) {
    return time_warpgroup_products(runs, stream);
  }
#endif
  if (major < 8) {
    return std::nullopt;  // no bf16
  }
  constexpr int kRounds = 32768;
  return time_rate({rates::product_rate, kRounds, 2, rates::kProductOperations, {rates::product_sum(kRounds)},
                    "mma.sync m16n8k16 of bf16 ones in registers, f32 sums; from sm_90 on a GPU has faster products "
                    "than those of a warp"},
                   runs, stream);
}

}  // namespace cuda_clock
