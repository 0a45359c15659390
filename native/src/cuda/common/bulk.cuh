/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Copies of whole runs of bytes from global to shared memory by the copy engine of sm_90, one instruction each, and the
// barrier in shared memory by which a block learns that they are there.

#include <stdint.h>

#include "cuda/common/sm90.cuh"

#if !defined(__CUDACC__)
#include "cuda_bulk.hpp"
#else

namespace medpruner::cuda {

/** All lanes of a warp: true for one, of which the compiler knows that it is one, so that what it copies needs no loop. */
__device__ inline bool elected() {
  uint32_t chosen = 0;
  MEDPRUNER_SM90("{.reg .pred p; elect.sync _|p, 0xffffffff; selp.b32 %0, 1, 0, p;}" : "=r"(chosen));
  return chosen != 0;
}

/** How many bytes are still on their way; each time as many as expect() said have come it is in its next phase. */
class Arrivals {
 public:
  /** `word`: 8 bytes of shared memory. */
  __device__ explicit Arrivals(uint64_t* word) : word_(static_cast<uint32_t>(__cvta_generic_to_shared(word))) {}

  /** One thread, before a barrier of the block behind which the others use it. */
  __device__ void begin() {
    MEDPRUNER_SM90("mbarrier.init.shared.b64 [%0], 1;" ::"r"(word_) : "memory");
    MEDPRUNER_SM90("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  /** One thread, once a phase: what is copied in it altogether. Copies may begin before. */
  __device__ void expect(uint32_t bytes) {
    MEDPRUNER_SM90("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(word_), "r"(bytes) : "memory");
  }
  /** Starts a copy; `bytes` and both addresses are multiples of 16. */
  __device__ void copy(void* shared, const void* global, int bytes) {
    MEDPRUNER_SM90("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                       static_cast<uint32_t>(__cvta_generic_to_shared(shared))),
                   "l"(global), "r"(bytes), "r"(word_)
                   : "memory");
  }
  /**
   * All threads: until phase `phase`, counted from 0, is over and what was copied in it can be read. kLater: at most so
   * many of the groups that cp_async_commit() has ended came later; for a stand-in.
   */
  template <int kLater>
  __device__ void wait(int phase) {
    MEDPRUNER_SM90(
        "{.reg .pred p; again: mbarrier.try_wait.parity.shared.b64 p, [%0], %1; @!p bra again;}" ::"r"(word_),
        "r"(phase & 1)
        : "memory");
  }

 private:
  uint32_t word_;
};

}  // namespace medpruner::cuda

#endif  // __CUDACC__
