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

}  // namespace medpruner::cuda
