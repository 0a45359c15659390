/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Integer reductions over a whole warp. sm_80 and later have one instruction for each; before, and for
// 64-bit sums, they take five exchanges.

#include <stdint.h>

namespace medpruner::cuda {

constexpr unsigned kAllLanes = 0xffffffffu;

__device__ inline uint64_t warp_sum(uint64_t value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(kAllLanes, static_cast<unsigned long long>(value), distance);
  }
  return value;
}

struct ShuffleReductions {
  __device__ static uint32_t add(uint32_t value) {
    for (int distance = 16; distance > 0; distance /= 2) {
      value += __shfl_xor_sync(kAllLanes, value, distance);
    }
    return value;
  }
  __device__ static uint32_t max(uint32_t value) {
    for (int distance = 16; distance > 0; distance /= 2) {
      const uint32_t other = __shfl_xor_sync(kAllLanes, value, distance);
      value = other > value ? other : value;
    }
    return value;
  }
  __device__ static uint32_t min(uint32_t value) { return ~max(~value); }
};

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
using WarpReductions = ShuffleReductions;
#else
struct WarpReductions {
  __device__ static uint32_t add(uint32_t value) { return __reduce_add_sync(kAllLanes, value); }
  __device__ static uint32_t max(uint32_t value) { return __reduce_max_sync(kAllLanes, value); }
  __device__ static uint32_t min(uint32_t value) { return __reduce_min_sync(kAllLanes, value); }
};
#endif

/** For sums below 2^53: halves of 26 and 27 bits, of which 32 still fit in 32 bits. */
template <class Reductions = WarpReductions>
__device__ inline uint64_t warp_sum_53(uint64_t value) {
  constexpr int kLow = 26;
  const uint32_t low = Reductions::add(static_cast<uint32_t>(value) & ((1u << kLow) - 1u));
  const uint32_t high = Reductions::add(static_cast<uint32_t>(value >> kLow));
  return (static_cast<uint64_t>(high) << kLow) + low;
}

}  // namespace medpruner::cuda
