/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What the stand-in CUDA headers, the memory checks and the tests know of the executor. One launch at a
// time, one host thread.

#include <stddef.h>
#include <stdint.h>

#include <map>
#include <set>
#include <string>
#include <utility>

namespace simt {

struct Index {
  unsigned x, y, z;
};

/** What a cluster can have, and without asking. */
constexpr int kMostClusterBlocks = 16;
constexpr int kPortableClusterBlocks = 8;

/** A place in kernel source; file names are literals. */
struct Site {
  const char* file;
  int line;
};

struct Options {
  /** Chooses block order and every turn of the schedule. */
  uint64_t seed = 1;
  /** A memory access gives way to another thread once in so many; 0: only synchronisation does. */
  uint32_t preemption = 64;
  /** Whether unordered accesses are faults: between blocks of a launch; within a block. */
  bool block_races = true;
  bool thread_races = true;
  /** Whether reads of device memory that nothing has written are faults; of shared memory they are. */
  bool undefined_reads = true;
  /** Turns and checked accesses of one launch, after which it is taken to have no end. */
  uint64_t step_limit = 400000000;
  /**
   * A barrier, or a wait for asynchronous copies, for the former launch or for the cluster, that is taken for
   * absent: the name of its file with the folder it is in, "prune/prune.cuh", and its line.
   */
  std::pair<std::string, int> omitted_barrier;
  /**
   * The most blocks a launch gets along an axis ('x' or 'y'), by the kernel's name without template
   * arguments. For kernels that stride over that axis, whose results must not depend on it.
   */
  std::map<std::string, std::pair<char, unsigned>> grid_limits;
  /** What the device says it is: major * 10 + minor. */
  int compute_capability = 90;
  /** How many devices there are, all of them the executor; and one that cannot be made current, as another process's. */
  int devices = 1;
  int taken_device = -1;
  /** Asked how many clusters it runs at once, the device answers with an error. */
  bool refuses_cluster_query = false;
};

Options& options();

/** Text of the last fault since clear_fault(), or empty. A launch that faults is abandoned. */
const std::string& fault_text();
void clear_fault();

/**
 * Every __syncthreads (and _or, _and, _count), cp_async_wait, await_former_launch, cluster_sync and await_cluster
 * met so far, and both halves of split barriers: file name with its folder, and line.
 */
const std::set<std::pair<std::string, int>>& barriers_met();

/** Names in grid_limits whose launches were in fact made smaller. */
const std::set<std::string>& grids_lowered();

struct Counters {
  uint64_t launches, blocks, threads, switches, accesses;
};
const Counters& counters();

// ---- used by the stand-in headers --------------------------------------------------------------

enum class Collective {
  kShuffle,
  kShuffleUp,
  kShuffleDown,
  kShuffleXor,
  kBallot,
  kAny,
  kAll,
  kMatchAny,
  kMatchAll,
  kReduceAdd,
  kReduceMin,
  kReduceMax,
  kReduceAnd,
  kReduceOr,
  kReduceXor,
  kSyncWarp,
  kLoadMatrices,
  kMmaF16,
  kMmaBF16,
  kWaitForProducts,
};

enum class Vote { kNone, kOr, kAnd, kCount };

/** What a thread runs. */
struct Body {
  void (*call)(const void* context);
  const void* context;
};

/**
 * Runs `body` once per thread of every block, the blocks of a cluster at the same time. False: a fault, whose
 * text is in fault_text(). `dependent`: on a GPU the launches since the last one that was not may still be
 * running when this one begins.
 */
bool run_grid(const char* kernel, Index grid, Index block, size_t dynamic_shared, int cluster,
              bool dependent, Body body);

Index thread_index();
Index block_index();
Index block_extent();
Index grid_extent();

int block_barrier(Vote vote, int predicate, Site site);
/** A barrier of the block, of whose two halves one is all of it: even seeds take that at the arrival. */
void half_barrier(bool arrival, Site site);
/** `value` sign- or zero-extended to 64 bits; `argument` is the lane, distance or lane mask. */
uint64_t warp_collective(Collective operation, unsigned mask, uint64_t value, int argument,
                         int width, Site site);
unsigned active_lanes();
void fence();
void atomic_access(void* address, size_t size, Site site);
void* dynamic_shared_memory();

/** c += a * b of the warp; the fragments lie as src/cuda/common/mma.cuh says. */
void warp_mma(Collective operation, float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
              Site site);
void warp_load_matrices(uint32_t (&values)[4], const void* row, Site site);

/** A matrix of rows of 16 values of 16 bits, as src/cuda/common/wgmma.cuh describes it. */
struct SharedMatrix {
  const char* start;
  int unit_stride, group_stride;
  bool swizzled;
};

/** Products of a warpgroup: started, grouped, and worked out when they are waited for. */
void start_product(float (&c)[32], const SharedMatrix& a, const SharedMatrix& b, bool add, bool bf16,
                   Site site);
void commit_products();
void wait_for_products(int groups, Site site);

/** Asynchronous copies of this thread, with the rules of cp.async. */
void copy_async(void* shared, const void* global, int width, int bytes, Site site);
void commit_copies();
void wait_for_copies(int groups, Site site);

/** What a dependent launch must do before it touches what the former ones write. */
void await_former_launch(Site site);

/** Of the cluster that the block is in: see src/cuda/common/cluster.cuh. */
unsigned cluster_rank();
unsigned cluster_blocks();
void cluster_barrier(Site site);
void announce_to_cluster(Site site);
void await_cluster(Site site);
/** Writes where block `rank` has what is at `address` here, in dynamic shared memory. */
void store_remote(void* address, unsigned rank, const void* value, size_t size, Site site);

[[noreturn]] void trap(Site site);

}  // namespace simt
