/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

namespace medpruner::cuda {

// Hints: elsewhere than on a GPU, nothing.

/** Starts to bring the line of this global address to the L2 cache. */
__device__ inline void prefetch_l2(const void* address) {
#if defined(__CUDACC__)
  asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
#else
  static_cast<void>(address);
#endif
}

/** As much from this address on, both multiples of 16; before sm_90, nothing. */
__device__ inline void prefetch_l2(const void* address, uint32_t bytes) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(address), "r"(bytes));
#else
  static_cast<void>(address);
  static_cast<void>(bytes);
#endif
}

}  // namespace medpruner::cuda
