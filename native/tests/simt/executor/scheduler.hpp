/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// State of the running launch, shared between the scheduler and the memory checks.

#include <string>
#include <vector>

#include "executor/executor.hpp"
#include "executor/fiber.hpp"

namespace simt {

enum class State { kReady, kBarrier, kCollective, kClusterBarrier, kClusterStart, kExited };

struct Thread {
  Fiber fiber;
  uint8_t* stack;
  Index index;
  int id, lane, warp;
  int rank;  // of its block in the cluster
  int slot;  // among the threads of the cluster
  State state;
  Site site;  // of the barrier or collective it waits at
  // The collective, and its result.
  Collective operation;
  unsigned mask;
  uint64_t value, result;
  int argument, width;
  // The barrier.
  Vote vote;
  int predicate;
  uint32_t warp_sync;     // __syncwarp count of its warp when it last passed one
  uint32_t fence_serial;  // interval of its last __threadfence, 0: none
  bool awaited;           // the launches that may still be running, if there are any
  bool announced, met;    // to the other blocks of the cluster; which have therefore begun
};

/** What its lanes are at, one bit each. A look at all of their Thread instead took a fifth of the time of a run. */
struct Warp {
  uint32_t syncs = 0;        // __syncwarps so far
  unsigned waiting = 0;      // in a collective
  unsigned exited = 0;       // or beyond the end of the block
  bool alike = true;         // all that wait do so in the collective and mask below
  Collective operation = {};
  unsigned mask = 0;
};

/** A block of the cluster that is running; all blocks of a cluster run at the same time. */
struct Block {
  Index index;
  int live, waiting;  // threads that have not exited; of them, at a barrier
  uint32_t serial;    // of its barrier interval
  std::vector<Warp> warps;
  uint32_t written_in;  // the phase in which another block last wrote to its shared memory
};

/**
 * Barrier intervals of all blocks ever run are numbered through: a block has a new serial at its start and
 * at each of its barriers. Serials below launch_first are ordered before everything in this launch.
 */
struct Launch {
  const char* kernel = "";
  uint32_t last_serial = 2;
  uint32_t serial = 2;  // of the running block; 0: never written, 1: written by the host
  uint32_t launch_first = 2;
  uint32_t running_first = 2;  // of the first launch that may still be running beside this one
  bool dependent = false;
  uint32_t block_first = 2;  // of the running cluster, which mostly is one block
  Index block = {};
  Thread* current = nullptr;  // null outside kernels
};

extern Launch g_launch;

/** The running cluster. Its barriers part phases: what blocks did in former ones is ordered before this one. */
struct Cluster {
  int size = 1;
  uint32_t phase_first = 2;    // the first serial of this phase
  std::vector<uint8_t> ranks;  // of the blocks that have the serials from there on
  int waiting = 0, announced = 0;
  std::vector<Block> blocks;
};

extern Cluster g_cluster;

/**
 * Whether kernel code is running, rather than the executor or the host. Templates of the standard library
 * may be linked in the copy that was compiled for a kernel: their accesses are only checked in kernels.
 */
extern bool g_in_kernel;

/** In every function that kernels call. */
struct Inside {
  Inside() { g_in_kernel = false; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { g_in_kernel = true; }
};

constexpr size_t kStackBytes = 32 * 1024;
constexpr int kWarp = 32;

/** Abandons the launch; returns only where no launch is running. */
void fault(const std::string& text);

/** "thread (3, 0, 0) of block (1, 0, 0) of kernel name" */
std::string who();
std::string where(Site site);
const char* base_name(const char* path);

uint32_t random_below(uint32_t bound);
void count_access();
/** Lets another thread run. */
void yield_thread();
/** Lets others run until somebody makes this one ready. */
void to_scheduler();
void make_ready(Thread& thread);

/** Of the threads of the cluster, those in `state` go on. */
void wake_all(State state);
int threads_of_cluster();
int threads_of_block();
Block& block_of(const Thread& thread);
Warp& warp_of(const Thread& thread);
/** The first one of the block of that rank. */
Thread* threads_of(int rank);
bool same_site(const Site& a, const Site& b);
std::string waiting_at(const Thread& thread);
/** A thread of the cluster in `state`, or null. */
const Thread* any_thread(State state, int from);

/** Notes a place that Options::omitted_barrier can name; true when it is named. */
bool omitted(Site site);

// ---- tensor.cpp --------------------------------------------------------------------------------

inline bool is_matrix(Collective operation) { return operation >= Collective::kLoadMatrices; }
/** All 32 lanes are there, each with a pointer to its operands as value. */
void finish_matrix(Thread* lanes);

// ---- clusters.cpp ------------------------------------------------------------------------------

/** New serials for all blocks of the cluster, behind which nothing before is unordered. */
void begin_phase();
/** The next serial for a block. */
uint32_t next_serial(int rank);
/** The accesses of that serial are of another block, and no barrier of the cluster has come between. */
inline bool unordered_in_cluster(uint32_t serial) {
  return g_cluster.size > 1 && options().block_races && serial >= g_cluster.phase_first &&
         g_cluster.ranks[serial - g_cluster.phase_first] != g_launch.current->rank;
}
/** Faults of a thread that ends, or that is the last one of its block. */
void check_end_in_cluster();

// ---- products.cpp -----------------------------------------------------------------------------

/** Forgets the products of the block before. */
void begin_products();
/** A fault when the running thread has products left that nothing waited for. */
void check_no_products_left();
/** All 32 lanes wait for all but the last `argument` of their groups. */
void finish_products(Thread* lanes);

// ---- copies.cpp --------------------------------------------------------------------------------

/** Forgets the copies of the block before. */
void begin_copies();
/** A fault when the running thread has copies left that nothing waited for. */
void check_no_copies_left();

// ---- memory.cpp --------------------------------------------------------------------------------

void begin_launch(size_t dynamic_shared, int cluster);
void begin_block();
/** Red zones; a text when one was written to. */
std::string check_red_zones();

}  // namespace simt
