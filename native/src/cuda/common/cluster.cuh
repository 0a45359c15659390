/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Clusters of sm_90: blocks that run at the same time and write to one another's shared memory. A kernel of
// clusters has dynamic shared memory alone, the same in all blocks. Every thread calls announce_to_cluster() first
// and await_cluster() before the first store to another block, which then has begun; what is stored can be read
// behind the next cluster_sync(), and a block may end only behind one that follows the last store to it.

#include <stdint.h>

#include "cuda/common/sm90.cuh"

#if !defined(__CUDACC__)
#include "cuda_cluster.hpp"
#else

namespace medpruner::cuda {

/** Of this block in its cluster. */
__device__ inline unsigned cluster_rank() {
  unsigned rank = 0;
  MEDPRUNER_SM90("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

__device__ inline unsigned cluster_blocks() {
  unsigned blocks = 1;
  MEDPRUNER_SM90("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
  return blocks;
}

__device__ inline void announce_to_cluster() {
  MEDPRUNER_SM90("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
}

__device__ inline void await_cluster() { MEDPRUNER_SM90("barrier.cluster.wait.aligned;" ::: "memory"); }

/** Of all threads of the cluster; makes what they stored visible to it. */
__device__ inline void cluster_sync() {
  MEDPRUNER_SM90("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

/** The address of block `rank` that is `address` here. */
__device__ inline uint32_t address_in_block(const void* address, unsigned rank) {
  uint32_t there = static_cast<uint32_t>(__cvta_generic_to_shared(address));
  MEDPRUNER_SM90("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(there), "r"(rank));
  return there;
}

/** Writes where block `rank` has what is at `address` here. */
__device__ inline void store_remote(uint64_t* address, unsigned rank, uint64_t value) {
  MEDPRUNER_SM90("st.shared::cluster.u64 [%0], %1;" ::"r"(address_in_block(address, rank)), "l"(value)
                 : "memory");
}
__device__ inline void store_remote(ulonglong2* address, unsigned rank, ulonglong2 value) {
  MEDPRUNER_SM90("st.shared::cluster.v2.u64 [%0], {%1, %2};" ::"r"(address_in_block(address, rank)),
                 "l"(value.x), "l"(value.y)
                 : "memory");
}

}  // namespace medpruner::cuda

#endif  // __CUDACC__
