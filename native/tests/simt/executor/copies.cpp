/* SPDX-License-Identifier: Apache-2.0 */
// cp.async: from its start to the wait for its group nobody may touch what a copy writes, and the data come
// at the wait, as late as they can. There the copy counts as a write of its thread in that barrier interval,
// so that others need a barrier behind it.

#include <string.h>

#include <algorithm>

#include "executor/image.hpp"
#include "executor/memory.hpp"
#include "executor/scheduler.hpp"

namespace simt {
namespace {

struct Copy {
  uintptr_t shared, global;
  size_t width, bytes;
  uint32_t place;
};

using Group = std::vector<Copy>;

struct Copies {
  Group open;
  std::vector<Group> committed;
  size_t landed = 0;  // groups of them that were waited for
};
std::vector<Copies> g_copies;  // by thread, for those up to the highest that copied

Copies& mine() {
  const size_t id = static_cast<size_t>(g_launch.current->slot);
  if (g_copies.size() <= id) {
    g_copies.resize(id + 1);
  }
  return g_copies[id];
}

void land(const Group& group) {
  for (const Copy& copy : group) {
    if (copy.bytes > 0) {
      check_access(copy.global, copy.bytes, 1, Access::kRead, copy.place);
    }
    set_in_flight(copy.shared, copy.width, false);
    check_access(copy.shared, copy.width, copy.width, Access::kWrite, copy.place);
    auto* shared = reinterpret_cast<char*>(copy.shared);
    memcpy(shared, reinterpret_cast<const char*>(copy.global), copy.bytes);
    memset(shared + copy.bytes, 0, copy.width - copy.bytes);
  }
}

void abandon(const Group& group) {
  for (const Copy& copy : group) {
    set_in_flight(copy.shared, copy.width, false);
  }
}

}  // namespace

void begin_copies() {
  for (const Copies& copies : g_copies) {  // left by a launch that was abandoned
    abandon(copies.open);
    std::for_each(copies.committed.begin(), copies.committed.end(), abandon);
  }
  g_copies.clear();
}

void check_no_copies_left() {
  if (g_copies.size() <= static_cast<size_t>(g_launch.current->slot)) {
    return;
  }
  const Copies& copies = mine();
  const Copy* left = copies.open.empty() ? nullptr : &copies.open.front();
  for (size_t i = copies.landed; i < copies.committed.size(); ++i) {
    left = copies.committed[i].empty() ? left : &copies.committed[i].front();
  }
  if (left != nullptr) {
    fault("unfinished copy: the thread ends and nothing waited for its cp_async at " +
          source_line(left->place));
  }
}

void copy_async(void* shared, const void* global, int width, int bytes, Site site) {
  const Inside inside;
  const Copy copy = {reinterpret_cast<uintptr_t>(shared), reinterpret_cast<uintptr_t>(global),
                     static_cast<size_t>(width), static_cast<size_t>(bytes), place_of(site)};
  if (bytes < 0 || bytes > width) {
    fault("cp_async of " + std::to_string(bytes) + " bytes, which is not in [0, " +
          std::to_string(width) + "], at " + where(site));
  }
  if (!in_shared_memory(copy.shared) || in_shared_memory(copy.global)) {
    fault("cp_async not from global to shared memory at " + where(site));
  }
  if (copy.global % copy.width != 0) {
    fault("misaligned: cp_async reads " + std::to_string(width) + " bytes at " + where(site));
  }
  if (bytes > 0) {
    check_access(copy.global, copy.bytes, 1, Access::kRead, copy.place);
  }
  check_access(copy.shared, copy.width, copy.width, Access::kWrite, copy.place);
  set_in_flight(copy.shared, copy.width, true);
  mine().open.push_back(copy);
}

void commit_copies() {
  const Inside inside;
  Copies& copies = mine();
  copies.committed.push_back(std::move(copies.open));
  copies.open.clear();
}

void wait_for_copies(int groups, Site site) {
  const Inside inside;
  if (omitted(site)) {
    return;
  }
  const size_t id = static_cast<size_t>(g_launch.current->slot);
  mine();
  // By index: another thread may enlarge g_copies while this one lands its copies.
  while (g_copies[id].committed.size() - g_copies[id].landed > static_cast<size_t>(groups)) {
    const Group group = g_copies[id].committed[g_copies[id].landed];
    land(group);
    g_copies[id].committed[g_copies[id].landed++].clear();
  }
  yield_thread();
}

}  // namespace simt
