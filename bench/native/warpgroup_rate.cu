/* SPDX-License-Identifier: Apache-2.0 */
// Compiled for sm_90a alone, as src/cuda/attention_mass/warpgroup_pass.cu.
#include "warpgroup_rate.hpp"

#include "time_rate.cuh"
#include "warpgroup_rate.cuh"

namespace cuda_clock {

Rate time_warpgroup_products(int runs, void* stream) {
  constexpr int kRounds = 2048;
  return time_rate({rates::warpgroup_rate, kRounds, 2, rates::kWarpgroupOperations, {rates::warpgroup_sum(kRounds)},
                    "wgmma m64n128k16 of bf16 ones in shared memory, f32 sums"},
                   runs, stream);
}

}  // namespace cuda_clock
