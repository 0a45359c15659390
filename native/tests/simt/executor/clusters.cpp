/* SPDX-License-Identifier: Apache-2.0 */
// Clusters: what blocks that run at the same time tell one another through shared memory. Only a barrier of the
// whole cluster orders that, and a block must have begun before, and not end while, others write to it.

#include <string.h>

#include "executor/image.hpp"
#include "executor/memory.hpp"
#include "executor/scheduler.hpp"

namespace simt {
namespace {

void check_has_met(const Thread& self, const char* what, Site site) {
  if (self.announced && !self.met) {
    fault(std::string("cluster: ") + what + " at " + where(site) + " before await_cluster");
  }
}

}  // namespace

uint32_t next_serial(int rank) {
  g_cluster.ranks.push_back(static_cast<uint8_t>(rank));
  return ++g_launch.last_serial;
}

void begin_phase() {
  g_cluster.phase_first = g_launch.last_serial + 1;
  g_cluster.ranks.clear();
  for (int rank = 0; rank < g_cluster.size; ++rank) {
    g_cluster.blocks[static_cast<size_t>(rank)].serial = next_serial(rank);
  }
}

void check_end_in_cluster() {
  const Thread& self = *g_launch.current;
  if (self.announced && !self.met) {
    fault("cluster: the thread ends between announce_to_cluster and await_cluster");
  }
  const Block& block = g_cluster.blocks[static_cast<size_t>(self.rank)];
  if (block.live == 0 && block.written_in == g_cluster.phase_first) {
    fault("cluster: the block ends, and no barrier of the cluster is behind the last write of another block to it");
  }
}

unsigned cluster_rank() { return static_cast<unsigned>(g_launch.current->rank); }
unsigned cluster_blocks() { return static_cast<unsigned>(g_cluster.size); }

void cluster_barrier(Site site) {
  const Inside inside;
  Thread& self = *g_launch.current;
  if (omitted(site)) {
    return;
  }
  check_has_met(self, "cluster_sync", site);
  self.state = State::kClusterBarrier;
  self.site = site;
  if (++g_cluster.waiting == threads_of_cluster()) {
    const Thread* const first = any_thread(State::kClusterBarrier, 0);
    for (const Thread* other = first; other != nullptr;
         other = any_thread(State::kClusterBarrier, other->slot + 1)) {
      if (!same_site(first->site, other->site)) {
        fault("divergent barrier of the cluster: " + waiting_at(*first) + ", " + waiting_at(*other));
      }
    }
    g_cluster.waiting = 0;
    begin_phase();
    wake_all(State::kClusterBarrier);
  }
  to_scheduler();
  self.announced = self.met = true;
}

void announce_to_cluster(Site site) {
  const Inside inside;
  Thread& self = *g_launch.current;
  if (self.announced) {
    fault("cluster: announce_to_cluster a second time at " + where(site));
  }
  self.announced = true;
  if (++g_cluster.announced == threads_of_cluster()) {
    wake_all(State::kClusterStart);
  }
}

void await_cluster(Site site) {
  const Inside inside;
  Thread& self = *g_launch.current;
  if (omitted(site)) {
    return;
  }
  if (!self.announced) {
    fault("cluster: await_cluster without announce_to_cluster at " + where(site));
  }
  if (g_cluster.announced < threads_of_cluster()) {
    self.state = State::kClusterStart;
    self.site = site;
    to_scheduler();
  } else {
    yield_thread();
  }
  self.met = true;
}

void store_remote(void* address, unsigned rank, const void* value, size_t size, Site site) {
  const Inside inside;
  Thread& self = *g_launch.current;
  if (rank >= static_cast<unsigned>(g_cluster.size)) {
    fault("cluster: store to block " + std::to_string(rank) + " of " + std::to_string(g_cluster.size) +
          " at " + where(site));
  }
  const int target = static_cast<int>(rank);
  Block& block = g_cluster.blocks[rank];
  if (target != self.rank) {
    if (!self.met) {
      fault("cluster: store to block " + std::to_string(rank) + ", which may not have begun, at " +
            where(site));
    }
    if (block.live == 0) {
      fault("cluster: store to block " + std::to_string(rank) + ", which has ended, at " + where(site));
    }
    block.written_in = g_cluster.phase_first;
  }
  const uintptr_t there = in_block(reinterpret_cast<uintptr_t>(address), target);
  check_access(there, size, size, Access::kWrite, place_of(site), target);
  memcpy(reinterpret_cast<void*>(there), value, size);
}

}  // namespace simt
