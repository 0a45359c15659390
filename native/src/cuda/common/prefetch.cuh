/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

namespace medpruner::cuda {

/** Starts to bring the line of this global address to the L2 cache. A hint: elsewhere than on a GPU, nothing. */
__device__ inline void prefetch_l2(const void* address) {
#if defined(__CUDACC__)
  asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
#else
  static_cast<void>(address);
#endif
}

/** The same of `bytes` bytes, a multiple of 16 as the address is; nothing before sm_90. */
__device__ inline void prefetch_l2(const void* address, int bytes) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(address), "r"(bytes));
#else
  static_cast<void>(address);
  static_cast<void>(bytes);
#endif
}

}  // namespace medpruner::cuda
