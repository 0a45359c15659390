/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/scheduler.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>

namespace simt {

Launch g_launch;
Cluster g_cluster;
bool g_in_kernel = false;

namespace {

constexpr int kMaxThreads = 1024;
constexpr size_t kGuard = 4096;

Options g_options;
std::string g_fault;
bool g_abandoned = false;
std::set<std::pair<std::string, int>> g_barriers;
Counters g_counters;

Fiber g_scheduler;
std::vector<Thread> g_threads;
std::vector<int> g_ready;
int g_count = 0;    // threads of a block
int g_live = 0;     // of all threads of the cluster, not exited
Index g_grid, g_extent;
Body g_body = {};
uint64_t g_random = 1;
uint64_t g_launches = 0;
uint64_t g_steps = 0;  // of this launch

uint64_t next_random() {  // xorshift64*
  g_random ^= g_random >> 12;
  g_random ^= g_random << 25;
  g_random ^= g_random >> 27;
  return g_random * 0x2545f4914f6cdd1dull;
}

const char* name_of(const Thread& thread) {
  if (thread.state == State::kBarrier) {
    return "__syncthreads";
  }
  if (thread.state == State::kClusterBarrier || thread.state == State::kClusterStart) {
    return thread.state == State::kClusterBarrier ? "cluster_sync" : "await_cluster";
  }
  static const char* const names[] = {
      "__shfl_sync",       "__shfl_up_sync",    "__shfl_down_sync",  "__shfl_xor_sync",
      "__ballot_sync",     "__any_sync",        "__all_sync",        "__match_any_sync",
      "__match_all_sync",  "__reduce_add_sync", "__reduce_min_sync", "__reduce_max_sync",
      "__reduce_and_sync", "__reduce_or_sync",  "__reduce_xor_sync", "__syncwarp",
      "ldmatrix_x4",       "mma_m16n8k16 (f16)", "mma_m16n8k16 (bf16)",
      "warpgroup_wait"};
  return names[static_cast<int>(thread.operation)];
}

}  // namespace

Block& block_of(const Thread& thread) {
  return g_cluster.blocks[static_cast<size_t>(thread.rank)];
}

Warp& warp_of(const Thread& thread) { return block_of(thread).warps[static_cast<size_t>(thread.warp)]; }

Thread* threads_of(int rank) { return &g_threads[static_cast<size_t>(rank * g_count)]; }

int threads_of_block() { return g_count; }

void make_ready(Thread& thread) {
  thread.state = State::kReady;
  g_ready.push_back(thread.slot);
}

void to_scheduler() {
  Thread& self = *g_launch.current;
  ++g_counters.switches;
  Fiber::switch_to(self.fiber, g_scheduler);
}

std::string waiting_at(const Thread& thread) {
  return "thread " + std::to_string(thread.id) + " is at " + name_of(thread) + " " +
         where(thread.site);
}

bool same_site(const Site& a, const Site& b) {
  return a.line == b.line && strcmp(a.file, b.file) == 0;
}

int threads_of_cluster() { return g_count * g_cluster.size; }

const Thread* any_thread(State state, int from) {
  for (int i = from; i < threads_of_cluster(); ++i) {
    if (g_threads[static_cast<size_t>(i)].state == state) {
      return &g_threads[static_cast<size_t>(i)];
    }
  }
  return nullptr;
}

void wake_all(State state) {
  for (int i = 0; i < threads_of_cluster(); ++i) {
    Thread& thread = g_threads[static_cast<size_t>(i)];
    if (thread.state == state) {
      make_ready(thread);
    }
  }
}

namespace {

void release_barrier(int rank) {
  Block& block = g_cluster.blocks[static_cast<size_t>(rank)];
  Thread* const threads = threads_of(rank);
  const Thread* first = nullptr;
  int count = 0;
  for (int i = 0; i < g_count; ++i) {
    Thread& thread = threads[i];
    if (thread.state != State::kBarrier) {
      continue;
    }
    if (first == nullptr) {
      first = &thread;
    } else if (!same_site(thread.site, first->site) || thread.vote != first->vote) {
      fault("divergent barrier: " + waiting_at(*first) + ", " + waiting_at(thread));
      return;
    }
    count += thread.predicate != 0 ? 1 : 0;
  }
  const Vote vote = first->vote;
  const int result = vote == Vote::kOr    ? (count > 0 ? 1 : 0)
                     : vote == Vote::kAnd ? (count == block.waiting ? 1 : 0)
                                          : count;
  for (int i = 0; i < g_count; ++i) {
    if (threads[i].state == State::kBarrier) {
      threads[i].result = static_cast<uint64_t>(result);
      make_ready(threads[i]);
    }
  }
  block.waiting = 0;
  block.serial = next_serial(rank);
}

/** The entry of every fiber. Leaves by a switch alone, after which it is never continued. */
void thread_main() {
  g_in_kernel = true;
  g_body.call(g_body.context);
  g_in_kernel = false;
  check_no_copies_left();
  check_no_products_left();
  if (!g_launch.current->awaited) {  // the next launch takes it that this one's end is also that of those before
    fault("early launch: the thread ends without a wait for the former launch");
  }
  Thread& self = *g_launch.current;
  self.state = State::kExited;
  warp_of(self).exited |= 1u << self.lane;
  --g_live;
  Block& block = block_of(self);
  --block.live;
  check_end_in_cluster();
  if (block.live > 0 && block.waiting == block.live) {
    release_barrier(self.rank);
  }
  to_scheduler();
  abort();
}

uint8_t* stacks() {
  static uint8_t* const base = [] {
    const size_t size = kMaxThreads * kMostClusterBlocks * (kStackBytes + kGuard);
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      abort();
    }
    for (int i = 0; i < kMaxThreads * kMostClusterBlocks; ++i) {  // an overflow faults instead of spoiling a neighbour
      mprotect(static_cast<uint8_t*>(memory) + static_cast<size_t>(i) * (kStackBytes + kGuard),
               kGuard, PROT_NONE);
    }
    return static_cast<uint8_t*>(memory);
  }();
  return base;
}

/** The cluster of that number. */
void start_cluster(uint32_t number, int threads) {
  begin_copies();
  begin_products();
  g_count = threads;
  g_live = threads_of_cluster();
  g_ready.clear();
  g_cluster.waiting = g_cluster.announced = 0;
  g_cluster.blocks.assign(static_cast<size_t>(g_cluster.size), {});
  for (int rank = 0; rank < g_cluster.size; ++rank) {
    Block& block = g_cluster.blocks[static_cast<size_t>(rank)];
    const uint32_t place = number * static_cast<uint32_t>(g_cluster.size) + static_cast<uint32_t>(rank);
    block.index = {place % g_grid.x, place / g_grid.x % g_grid.y, place / (g_grid.x * g_grid.y)};
    block.live = threads;
    block.warps.assign(static_cast<size_t>((threads + kWarp - 1) / kWarp), {});
    if (threads % kWarp != 0) {
      block.warps.back().exited = ~0u << threads % kWarp;
    }
  }
  begin_phase();
  if (g_threads.size() < static_cast<size_t>(g_live)) {
    g_threads.resize(static_cast<size_t>(g_live));
  }
  for (int i = 0; i < g_live; ++i) {
    Thread& thread = g_threads[static_cast<size_t>(i)];
    thread.stack = stacks() + static_cast<size_t>(i) * (kStackBytes + kGuard) + kGuard;
    thread.fiber.reset(thread.stack, kStackBytes, thread_main);
    thread.rank = i / threads;
    thread.slot = i;
    thread.id = i % threads;
    const unsigned id = static_cast<unsigned>(thread.id);
    thread.index = {id % g_extent.x, id / g_extent.x % g_extent.y, id / (g_extent.x * g_extent.y)};
    thread.lane = thread.id % kWarp;
    thread.warp = thread.id / kWarp;
    thread.warp_sync = 0;
    thread.fence_serial = 0;
    thread.awaited = !g_launch.dependent;
    thread.announced = thread.met = false;
    make_ready(thread);
  }
}

void report_deadlock() {
  std::string text = "deadlock, " + std::to_string(g_live) + " threads wait:";
  int told = 0;
  const Thread* last = nullptr;
  for (int i = 0; i < threads_of_cluster() && told < 4; ++i) {
    const Thread& thread = g_threads[static_cast<size_t>(i)];
    if (thread.state == State::kExited ||
        (last != nullptr && last->state == thread.state && last->site.line == thread.site.line)) {
      continue;
    }
    text += (told++ == 0 ? " " : "; ") + waiting_at(thread);
    last = &thread;
  }
  g_fault = std::string("in kernel ") + g_launch.kernel + ": " + text;
  g_abandoned = true;
}

void run_cluster() {
  while (g_live > 0 && !g_abandoned) {
    ++g_steps;
    if (g_ready.empty()) {
      report_deadlock();
      return;
    }
    const size_t turn = random_below(static_cast<uint32_t>(g_ready.size()));
    const int id = g_ready[turn];
    g_ready[turn] = g_ready.back();
    g_ready.pop_back();
    Thread& next = g_threads[static_cast<size_t>(id)];
    g_launch.current = &next;
    g_launch.block = block_of(next).index;
    g_launch.serial = block_of(next).serial;
    Fiber::switch_to(g_scheduler, g_launch.current->fiber);
  }
}

}  // namespace

Options& options() { return g_options; }
const std::string& fault_text() { return g_fault; }
void clear_fault() { g_fault.clear(); }
const std::set<std::pair<std::string, int>>& barriers_met() { return g_barriers; }
const Counters& counters() { return g_counters; }

const char* base_name(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

/** With the folder that the file is in, for names occur twice. */
const char* name_in_folder(const char* path) {
  const char* name = base_name(path);
  if (name - path < 2) {
    return path;
  }
  const char* at = name - 1;
  while (at > path && at[-1] != '/') {
    --at;
  }
  return at;
}

std::string where(Site site) {
  return std::string(base_name(site.file)) + ":" + std::to_string(site.line);
}

std::string who() {
  if (g_launch.current == nullptr) {
    return "the host";
  }
  const Index t = g_launch.current->index;
  char text[128];
  snprintf(text, sizeof text, "thread (%u, %u, %u) of block (%u, %u, %u) of kernel ", t.x, t.y, t.z,
           g_launch.block.x, g_launch.block.y, g_launch.block.z);
  return text + std::string(g_launch.kernel);
}

void note_barrier(Site site) {
  static std::vector<Site> seen;  // by pointer: much cheaper than by name
  for (const Site& other : seen) {
    if (other.file == site.file && other.line == site.line) {
      return;
    }
  }
  seen.push_back(site);
  g_barriers.insert({name_in_folder(site.file), site.line});
}

bool omitted(Site site) {
  note_barrier(site);
  return g_options.omitted_barrier.second == site.line &&
         g_options.omitted_barrier.first == name_in_folder(site.file);
}

uint32_t random_below(uint32_t bound) {
  return static_cast<uint32_t>((next_random() >> 32) * bound >> 32);
}

void fault(const std::string& text) {
  if (g_launch.current == nullptr) {
    g_fault = text;
    return;
  }
  g_fault = who() + ": " + text;
  g_abandoned = true;
  to_scheduler();
}

void count_access() {
  ++g_counters.accesses;
  if (++g_steps > g_options.step_limit) {
    fault("no end after " + std::to_string(g_options.step_limit) + " steps");
  }
}

void yield_thread() {
  make_ready(*g_launch.current);
  to_scheduler();
}

bool run_grid(const char* kernel, Index grid, Index block, size_t dynamic_shared, int cluster,
              bool dependent, Body body) {
  const uint64_t threads = static_cast<uint64_t>(block.x) * block.y * block.z;
  if (threads == 0 || threads > kMaxThreads || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.y > 65535 || grid.z > 65535 || cluster < 1 || cluster > kMostClusterBlocks ||
      grid.x % static_cast<unsigned>(cluster) != 0) {
    g_fault = std::string("invalid configuration of kernel ") + kernel;
    return false;
  }
  g_random = (g_options.seed + 1) * 0x9e3779b97f4a7c15ull ^ ++g_launches << 20;
  g_random = g_random == 0 ? 1 : g_random;
  g_abandoned = false;
  g_steps = 0;
  g_launch.kernel = kernel;
  g_launch.launch_first = ++g_launch.last_serial;
  g_launch.dependent = dependent;
  g_cluster.size = cluster;
  if (!dependent) {
    g_launch.running_first = g_launch.launch_first;
  }
  g_grid = grid;
  g_extent = block;
  g_body = body;
  begin_launch(dynamic_shared, cluster);
  ++g_counters.launches;

  std::vector<uint32_t> order(static_cast<size_t>(grid.x) * grid.y * grid.z /
                              static_cast<size_t>(cluster));
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = static_cast<uint32_t>(i);
  }
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random_below(static_cast<uint32_t>(i))]);
  }
  for (size_t i = 0; i < order.size() && !g_abandoned; ++i) {
    g_launch.block_first = g_launch.last_serial + 1;
    begin_block();
    start_cluster(order[i], static_cast<int>(threads));
    g_counters.blocks += static_cast<uint64_t>(cluster);
    g_counters.threads += threads * static_cast<uint64_t>(cluster);
    run_cluster();
  }
  g_launch.current = nullptr;
  g_launch.dependent = false;
  g_launch.launch_first = g_launch.block_first = g_launch.serial = ++g_launch.last_serial;
  if (!g_abandoned) {
    const std::string text = check_red_zones();
    if (!text.empty()) {
      g_fault = std::string("in kernel ") + kernel + ": " + text;
      g_abandoned = true;
    }
  }
  return !g_abandoned;
}

Index thread_index() { return g_launch.current->index; }
Index block_index() { return g_launch.block; }
Index block_extent() { return g_extent; }
Index grid_extent() { return g_grid; }

int block_barrier(Vote vote, int predicate, Site site) {
  const Inside inside;
  Thread& self = *g_launch.current;
  if (omitted(site)) {
    return predicate;
  }
  self.state = State::kBarrier;
  self.site = site;
  self.vote = vote;
  self.predicate = predicate;
  Block& block = block_of(self);
  if (++block.waiting == block.live) {
    release_barrier(self.rank);
  }
  to_scheduler();
  return static_cast<int>(self.result);
}

void half_barrier(bool arrival, Site site) {
  if (arrival == (g_options.seed % 2 == 0)) {
    block_barrier(Vote::kNone, 0, site);
    return;
  }
  const Inside inside;
  note_barrier(site);
  yield_thread();
}

void fence() {
  const Inside inside;
  g_launch.current->fence_serial = g_launch.serial;
  yield_thread();
}

void await_former_launch(Site site) {
  const Inside inside;
  if (!omitted(site)) {
    g_launch.current->awaited = true;
    yield_thread();
  }
}

void trap(Site site) {
  const Inside inside;
  fault("__trap at " + where(site));
  abort();
}

}  // namespace simt
