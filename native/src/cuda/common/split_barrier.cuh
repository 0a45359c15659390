/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// A barrier of all threads of a block in two halves, for sm_90: what a thread did before it arrived is seen by every
// thread that has waited. Between the halves it goes on.

#include <stdint.h>

#include "cuda/common/sm90.cuh"
#include "cuda/common/warp.cuh"

#if !defined(__CUDACC__)
#include "cuda_split_barrier.hpp"
#else

namespace medpruner::cuda {

class SplitBarrier {
 public:
  /** Of all threads; `word`: 8 bytes of shared memory, theirs from the next __syncthreads() on. */
  __device__ SplitBarrier(uint64_t* word, int threads)
      : word_(static_cast<uint32_t>(__cvta_generic_to_shared(word))) {
    if (threadIdx.x == 0) {
      MEDPRUNER_SM90("mbarrier.init.shared.b64 [%0], %1;" ::"r"(word_), "r"(threads / 32) : "memory");
    }
  }
  /** All lanes of a warp together; every arrival is followed by a wait. */
  __device__ void arrive() {
    __syncwarp();
    if (threadIdx.x % 32 == 0) {  // a lane for its warp: they are served one after another
      MEDPRUNER_SM90("mbarrier.arrive.shared.b64 _, [%0];" ::"r"(word_) : "memory");
    }
  }
  __device__ void wait() {
    MEDPRUNER_SM90(
        "{.reg .pred p; again: mbarrier.try_wait.parity.shared.b64 p, [%0], %1; @!p bra again;}" ::"r"(word_),
        "r"(phase_)
        : "memory");
    phase_ ^= 1;
  }

 private:
  uint32_t word_;
  uint32_t phase_ = 0;
};

}  // namespace medpruner::cuda

#endif  // __CUDACC__
