/* SPDX-License-Identifier: Apache-2.0 */
// Clusters: blocks that run at the same time and send to one another's shared memory. What is sent counts as there,
// written by the thread that waited for it, only from that wait on; and it tells the receiver that all is done which
// the sender did, or had been told of, before its last barrier. A block must have begun before others send to it,
// and not end while they may.

#include <string.h>

#include <algorithm>
#include <map>

#include "executor/image.hpp"
#include "executor/memory.hpp"
#include "executor/scheduler.hpp"

namespace simt {
namespace {

struct Letter {
  uintptr_t address;
  size_t size;
  uint32_t place;
  std::vector<uint32_t> known;  // to its sender
};

struct Mailbox {
  int rank;  // of its block
  size_t arrived = 0, expected = 0;  // bytes
  bool expecting = false;
  unsigned uses = 0;  // that are complete
  std::vector<Letter> letters;
};
std::map<uintptr_t, Mailbox> g_boxes;  // of the cluster, by address

Block& own_block() { return g_cluster.blocks[static_cast<size_t>(g_launch.current->rank)]; }

/** Serials of each block below which all is done before what the running thread does now. */
const std::vector<uint32_t>& known_here() {
  const Thread& self = *g_launch.current;
  return self.told_in == g_launch.serial ? own_block().told : own_block().known;
}

Mailbox& box_at(uintptr_t address, Site site) {
  const auto found = g_boxes.find(address);
  if (found == g_boxes.end()) {
    fault("cluster: no mailbox was opened there, at " + where(site));
  }
  return found->second;
}

void complete(Mailbox& box, Site site) {
  if (box.expecting && box.arrived > box.expected) {
    fault("cluster: a mailbox has " + std::to_string(box.arrived) + " bytes, and " +
          std::to_string(box.expected) + " were expected, at " + where(site));
  }
  if (box.expecting && box.arrived == box.expected) {
    box.expecting = false;
    box.arrived = 0;
    ++box.uses;
    wake_all(State::kMail);
  }
}

}  // namespace

void begin_cluster() {
  g_boxes.clear();
  g_cluster.first = g_launch.last_serial + 1;
  g_cluster.ranks.clear();
  for (int rank = 0; rank < g_cluster.size; ++rank) {
    Block& block = g_cluster.blocks[static_cast<size_t>(rank)];
    block.known.assign(static_cast<size_t>(g_cluster.size), g_cluster.first);
    block.told = block.known;
    begin_interval(rank);
  }
}

void begin_interval(int rank) {
  Block& block = g_cluster.blocks[static_cast<size_t>(rank)];
  g_cluster.ranks.push_back(static_cast<uint8_t>(rank));
  block.serial = ++g_launch.last_serial;
  block.known = block.told;
}

bool unordered_in_cluster(uint32_t serial) {
  if (g_cluster.size == 1 || !options().block_races || serial < g_cluster.first) {
    return false;
  }
  const size_t rank = g_cluster.ranks[serial - g_cluster.first];
  return static_cast<int>(rank) != g_launch.current->rank && serial >= known_here()[rank];
}

bool told_here() { return g_launch.current->told_in == g_launch.serial; }

void check_end_in_cluster() {
  const Thread& self = *g_launch.current;
  if (self.announced && !self.met) {
    fault("cluster: the thread ends between announce_to_cluster and await_cluster");
  }
  for (const auto& [address, box] : g_boxes) {
    if (own_block().live == 0 && box.rank == self.rank && (box.expecting || !box.letters.empty())) {
      fault("cluster: the block ends, and nothing waited for what others send to it");
    }
  }
}

unsigned cluster_rank() { return static_cast<unsigned>(g_launch.current->rank); }
unsigned cluster_blocks() { return static_cast<unsigned>(g_cluster.size); }

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

void open_mailbox(uint64_t* box, Site site) {
  const Inside inside;
  const uintptr_t address = reinterpret_cast<uintptr_t>(box);
  check_access(address, sizeof *box, sizeof *box, Access::kWrite, place_of(site));
  if (g_launch.current->announced || g_boxes.count(address) != 0) {
    fault("cluster: a mailbox is opened twice, or after announce_to_cluster, at " + where(site));
  }
  g_boxes[address].rank = g_launch.current->rank;
}

void expect_mail(uint64_t* box, size_t bytes, Site site) {
  const Inside inside;
  Mailbox& own = box_at(reinterpret_cast<uintptr_t>(box), site);
  if (own.expecting) {
    fault("cluster: a mailbox expects mail already, at " + where(site));
  }
  own.expecting = true;
  own.expected = bytes;
  complete(own, site);
}

void send(void* address, unsigned rank, const void* value, size_t size, uint64_t* box, Site site) {
  const Inside inside;
  Thread& self = *g_launch.current;
  if (rank >= static_cast<unsigned>(g_cluster.size)) {
    fault("cluster: mail to block " + std::to_string(rank) + " of " + std::to_string(g_cluster.size) +
          " at " + where(site));
  }
  if (!self.met) {
    fault("cluster: mail to block " + std::to_string(rank) + ", which may not have begun, at " + where(site));
  }
  if (g_cluster.blocks[rank].live == 0) {
    fault("cluster: mail to block " + std::to_string(rank) + ", which has ended, at " + where(site));
  }
  const int to = static_cast<int>(rank);
  const uintptr_t there = in_block(reinterpret_cast<uintptr_t>(address), to);
  check_access(there, size, size, Access::kWrite, place_of(site), to);
  memcpy(reinterpret_cast<void*>(there), value, size);
  set_in_flight(there, size, true);
  Mailbox& target = box_at(in_block(reinterpret_cast<uintptr_t>(box), to), site);
  Letter letter = {there, size, place_of(site), known_here()};
  letter.known[static_cast<size_t>(self.rank)] = g_launch.serial;
  target.letters.push_back(std::move(letter));
  target.arrived += size;
  complete(target, site);
}

void await_mail(uint64_t* box, unsigned parity, Site site) {
  const Inside inside;
  Thread& self = *g_launch.current;
  if (omitted(site)) {
    return;
  }
  Mailbox& own = box_at(reinterpret_cast<uintptr_t>(box), site);
  yield_thread();
  while ((own.uses & 1) == parity) {
    self.state = State::kMail;
    self.site = site;
    to_scheduler();
  }
  std::vector<uint32_t>& told = own_block().told;
  for (const Letter& letter : own.letters) {
    land(letter.address, letter.size, letter.place);
    for (size_t rank = 0; rank < told.size(); ++rank) {
      told[rank] = std::max(told[rank], letter.known[rank]);
    }
  }
  own.letters.clear();
  self.told_in = g_launch.serial;
}

void abandon_mail() {
  for (const auto& [address, box] : g_boxes) {
    for (const Letter& letter : box.letters) {
      set_in_flight(letter.address, letter.size, false);
    }
  }
}

}  // namespace simt
