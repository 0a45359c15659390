/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Clusters of sm_90: blocks that run at the same time and send to one another's shared memory. A kernel of clusters
// has dynamic shared memory alone, the same in all blocks. One thread opens its block's mailboxes first, which count
// what arrives (an mbarrier each); then every thread calls announce_to_cluster(), and await_cluster() before it sends
// anything: from there on all blocks have begun. For each use of a mailbox one thread says how many bytes will come,
// and who reads them waits for it. A block waits for all that is sent to it before it ends. Sending says nothing
// about what else the sender wrote; that costs a fence and a barrier of the cluster.

#include <stdint.h>

#if !defined(__CUDACC__)
#include "cuda_cluster.hpp"
#else

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define MEDPRUNER_SM90(...) asm volatile(__VA_ARGS__)
#else
#define MEDPRUNER_SM90(...) static_cast<void>(0)
#endif

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

using Mailbox = uint64_t;

__device__ inline uint32_t shared_address(const void* address) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(address));
}

__device__ inline void open_mailbox(Mailbox* box) {
  MEDPRUNER_SM90("mbarrier.init.shared::cta.b64 [%0], 1;\n\tfence.mbarrier_init.release.cluster;" ::"r"(
                     shared_address(box))
                 : "memory");
}

__device__ inline void expect_mail(Mailbox* box, uint32_t bytes) {
  MEDPRUNER_SM90("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(box)), "r"(bytes)
                 : "memory");
}

/** The address of block `rank` that is `address` here. */
__device__ inline uint32_t address_in_block(const void* address, unsigned rank) {
  uint32_t there = shared_address(address);
  MEDPRUNER_SM90("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(there), "r"(rank));
  return there;
}

/** Writes where block `rank` has what is at `address` here; its `box` counts it. */
__device__ inline void send(uint64_t* address, unsigned rank, uint64_t value, Mailbox* box) {
  MEDPRUNER_SM90("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b64 [%0], %1, [%2];" ::"r"(
                     address_in_block(address, rank)),
                 "l"(value), "r"(address_in_block(box, rank))
                 : "memory");
}
__device__ inline void send(ulonglong2* address, unsigned rank, ulonglong2 value, Mailbox* box) {
  MEDPRUNER_SM90("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.b64 [%0], {%1, %2}, [%3];" ::"r"(
                     address_in_block(address, rank)),
                 "l"(value.x), "l"(value.y), "r"(address_in_block(box, rank))
                 : "memory");
}

/** Until what is expected has come, for the use of that parity: 0 for the first, then in turn. */
__device__ inline void await_mail(Mailbox* box, unsigned parity) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  uint32_t done = 0;
  while (done == 0) {
    asm volatile(
        "{\n\t.reg .pred done;\n\t"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%1], %2;\n\t"
        "selp.u32 %0, 1, 0, done;\n\t}"
        : "=r"(done)
        : "r"(shared_address(box)), "r"(parity)
        : "memory");
  }
#endif
}

}  // namespace medpruner::cuda

#endif  // __CUDACC__
