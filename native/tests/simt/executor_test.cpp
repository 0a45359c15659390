/* SPDX-License-Identifier: Apache-2.0 */
// The executor itself: what it computes, and that it sees each kind of defect. This file is compiled as
// the kernels are, with every access checked.

#include <string>
#include <vector>

#include "cuda/common/dependent.cuh"
#include "cuda/common/split_barrier.cuh"
#include "launches.hpp"

#define MEDPRUNER_PLANTED 0
#include "planted.cuh"
#define MEDPRUNER_PLANTED 1
#include "planted.cuh"
#define MEDPRUNER_PLANTED 2
#include "planted.cuh"
#define MEDPRUNER_PLANTED 3
#include "planted.cuh"

namespace {

constexpr int kSeeds = 20;

// ---- the planted defects ------------------------------------------------------------------------

std::vector<int32_t> ramp() {
  std::vector<int32_t> values(64);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<int32_t>(i * i + 1);
  }
  return values;
}

std::string run_planted(void (*kernel)(const int32_t*, int32_t*), std::vector<int32_t>* result) {
  Device<int32_t> in(ramp());
  Device<int32_t> out(64);
  const std::string fault = run(kernel, 1, 64, 0, in.data, out.data);
  *result = out.host();
  return fault;
}

TEST(planted_none) {
  std::vector<int32_t> expected = ramp();
  for (size_t i = 0; i + 1 < 64; ++i) {
    expected[i] += expected[i + 1];
  }
  for (int seed = 1; seed <= kSeeds; ++seed) {
    set_seed(static_cast<uint64_t>(seed));
    std::vector<int32_t> result;
    CHECK(run_planted(planted_0::neighbours, &result).empty());
    CHECK_SAME(result, expected);
  }
}

TEST(planted_missing_barrier_is_caught) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    set_seed(static_cast<uint64_t>(seed));
    std::vector<int32_t> result;
    const std::string fault = run_planted(planted_1::neighbours, &result);
    // In any order: the reader comes first, and meets an unwritten slot, or the writer does.
    CHECK(fault.find("race: ") != std::string::npos ||
          fault.find("uninitialised: ") != std::string::npos);
    check_contains(fault, {"shared tile, byte ", "of kernel planted_1::neighbours"});
  }
}

TEST(planted_index_one_too_large_is_caught) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    set_seed(static_cast<uint64_t>(seed));
    std::vector<int32_t> result;
    check_contains(run_planted(planted_2::neighbours, &result),
                   {"thread (63, 0, 0)", "out of bounds: reads 4 bytes 0 bytes past the end of tile",
                    "(shared)"});
  }
}

TEST(planted_read_of_an_unwritten_slot_is_caught) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    set_seed(static_cast<uint64_t>(seed));
    std::vector<int32_t> result;
    check_contains(run_planted(planted_3::neighbours, &result),
                   {"uninitialised: reads shared tile, byte 252 of 256, which nothing has written"});
  }
}

// ---- divergence ---------------------------------------------------------------------------------

__global__ void half_a_barrier() {
  if (threadIdx.x < 40) {
    __syncthreads();
  } else {
    __shfl_xor_sync(0xffffffffu, 1, 1);
  }
}

__global__ void two_barriers() {
  if (threadIdx.x % 2 == 0) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void exits_before_the_shuffle(int* out) {
  if (threadIdx.x == 5) {
    return;
  }
  *out = __shfl_sync(0xffffffffu, 1, 0);
}

__global__ void different_collectives() {
  if (threadIdx.x % 2 == 0) {
    __ballot_sync(0xffffffffu, 1);
  } else {
    __any_sync(0xffffffffu, 1);
  }
}

__global__ void outside_its_mask() { __shfl_sync(0x0000ffffu, 1, 0); }

__global__ void reads_a_lane_outside_the_mask() {
  if (threadIdx.x < 16) {
    __shfl_sync(0x0000ffffu, 1, 20);
  }
}

TEST(divergence_is_reported) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    set_seed(seed);
    check_contains(run(half_a_barrier, 1, 64, 0), {"half_a_barrier", "executor_test.cpp:"});
    check_contains(run(two_barriers, 1, 32, 0),
                   {"divergent barrier: ", "__syncthreads executor_test.cpp:"});
    Device<int> out(1);
    const std::string exited = run(exits_before_the_shuffle, 1, 32, 0, out.data);
    CHECK(exited.find("lane 5 of the mask has exited") != std::string::npos ||
          exited.find("deadlock, 31 threads wait: ") != std::string::npos);
    check_contains(run(different_collectives, 1, 32, 0),
                   {"different collectives or masks", "__ballot_sync", "__any_sync"});
    check_contains(run(outside_its_mask, 1, 32, 0), {"is not in its own mask"});
    check_contains(run(reads_a_lane_outside_the_mask, 1, 32, 0),
                   {"shuffle reads lane 20, which is not in its mask"});
  }
}

// ---- global memory ------------------------------------------------------------------------------

__global__ void writes_at(int32_t* out, int64_t index) { out[index] = 1; }
__global__ void reads_at(const int32_t* in, int64_t index, int32_t* out) { *out = in[index]; }
__global__ void copies_with_memcpy(char* out, const char* in, size_t bytes) {
  memcpy(out, in, bytes);  // the library's: not instrumented, found by its trace alone
}

TEST(accesses_outside_an_allocation_are_reported) {
  set_seed(1);
  Device<int32_t> in(std::vector<int32_t>(10, 7));
  Device<int32_t> out(1);
  CHECK(run(writes_at, 1, 1, 0, in.data, 9).empty());
  check_contains(run(writes_at, 1, 1, 0, in.data, 10), {"out of bounds: writes 4 bytes 0 bytes past"});
  check_contains(run(writes_at, 1, 1, 0, in.data, -1), {"out of bounds: writes 4 bytes"});
  check_contains(run(writes_at, 1, 1, 0, nullptr, 0), {"which is no device memory"});
  int32_t host = 0;
  check_contains(run(writes_at, 1, 1, 0, &host, 0), {"which is no device memory"});
  check_contains(run(reads_at, 1, 1, 0, in.data, int64_t{1} << 40, out.data), {"out of bounds"});
  auto* odd = reinterpret_cast<int32_t*>(reinterpret_cast<char*>(in.data) + 2);
  check_contains(run(writes_at, 1, 1, 0, odd, 0), {"misaligned: writes 4 bytes"});
  Device<int32_t> freed(4);
  cudaFree(freed.data);
  check_contains(run(writes_at, 1, 1, 0, freed.data, 0), {"out of bounds"});
}

TEST(red_zones_show_what_is_not_instrumented) {
  set_seed(1);
  Device<char> in(std::vector<char>(100, 1));
  Device<char> out(90);
  CHECK(run(copies_with_memcpy, 1, 1, 0, out.data, in.data, 90).empty());
  check_contains(run(copies_with_memcpy, 1, 1, 0, out.data, in.data, 91), {"red zone of allocation"});
}

TEST(uninitialised_global_memory_is_reported) {
  set_seed(1);
  Device<int32_t> never(4);
  Device<int32_t> filled(std::vector<int32_t>(4, static_cast<int32_t>(0xA5A5A5A5u)));
  Device<int32_t> zero(std::vector<int32_t>(4, 0));
  Device<int32_t> out(1);
  check_contains(run(reads_at, 1, 1, 0, never.data, 2, out.data), {"uninitialised: reads global"});
  check_contains(run(reads_at, 1, 1, 0, filled.data, 2, out.data), {"uninitialised: reads global"});
  CHECK(run(reads_at, 1, 1, 0, zero.data, 2, out.data).empty());
  CHECK(run(writes_at, 1, 1, 0, never.data, 2).empty());
  CHECK(run(reads_at, 1, 1, 0, never.data, 2, out.data).empty());
}

// ---- order between blocks -----------------------------------------------------------------------

__global__ void all_write_one(int32_t* out) { *out = static_cast<int32_t>(blockIdx.x); }

__global__ void all_read_one_writes(int32_t* data, int32_t* out) {
  out[blockIdx.x] = *data;
  if (blockIdx.x == 3) {
    *data = 1;
  }
}

/** The pattern of the last block: parts, fence, counter; whoever counts last sees every part. */
__global__ void last_block_adds(const int32_t* in, int32_t* parts, unsigned* counter, int32_t* out,
                                bool fenced) {
  __shared__ bool last;
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = in[blockIdx.x] * 2;
    if (fenced) {
      __threadfence();
    }
    last = atomicInc(counter, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 32) {
    int32_t sum = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) {
      sum += parts[b];
    }
    *out = sum;
  }
}

TEST(blocks_are_unordered_but_for_fenced_atomics) {
  std::vector<int32_t> values(9);
  int32_t sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<int32_t>(i * 5);
    sum += 2 * values[i];
  }
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    Device<int32_t> in(values);
    Device<int32_t> parts(9);
    Device<int32_t> out(9);
    Device<unsigned> counter(std::vector<unsigned>(1, 0));
    CHECK(run(last_block_adds, 9, 64, 0, in.data, parts.data, counter.data, out.data, true).empty());
    CHECK_EQUAL(out.host()[0], sum);
    CHECK_EQUAL(counter.host()[0], 0u);
    check_contains(run(last_block_adds, 9, 64, 0, in.data, parts.data, counter.data, out.data, false),
                   {"race: reads global", "of another block wrote", "in the same launch"});
    check_contains(run(all_write_one, 2, 1, 0, out.data), {"race: writes global"});
    check_contains(run(all_read_one_writes, 5, 1, 0, in.data, out.data), {"race: "});
    simt::options().block_races = false;
    CHECK(run(all_write_one, 2, 1, 0, out.data).empty());
  }
}

__global__ void waits_for_the_other_block(unsigned* flags) {
  atomicExch(&flags[blockIdx.x], 1u);
  while (atomicAdd(&flags[1 - blockIdx.x], 0u) == 0) {
  }
}

TEST(a_spin_between_blocks_ends_with_a_fault) {
  set_seed(1);
  simt::options().step_limit = 100000;
  Device<unsigned> flags(std::vector<unsigned>(2, 0));
  check_contains(run(waits_for_the_other_block, 2, 1, 0, flags.data), {"no end after 100000 steps"});
}

TEST(blocks_run_in_every_order) {
  std::vector<int> seen(4);
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    set_seed(seed);
    simt::options().block_races = false;
    Device<int32_t> out(1);
    CHECK(run(all_write_one, 4, 1, 0, out.data).empty());
    ++seen[static_cast<size_t>(out.host()[0])];  // the last one to run
  }
  for (int times : seen) {
    CHECK(times > 0);
  }
}

// ---- barriers in two halves -----------------------------------------------------------------------

enum class Halves { kGood, kReadsBetween, kWritesBetween };

__global__ void in_two_halves(int32_t* out, Halves how) {
  __shared__ int32_t tile[64];
  __shared__ uint64_t word;
  medpruner::cuda::SplitBarrier barrier(&word, 64);
  __syncthreads();
  const int thread = static_cast<int>(threadIdx.x);
  if (how != Halves::kWritesBetween) {
    tile[thread] = thread;
  }
  barrier.arrive();
  if (how == Halves::kReadsBetween) {
    out[thread] = tile[63 - thread];
  }
  if (how == Halves::kWritesBetween) {
    tile[thread] = thread;
  }
  barrier.wait();
  if (how != Halves::kReadsBetween) {
    out[thread] = tile[63 - thread];
  }
}

TEST(between_the_halves_nothing_is_ordered) {
  for (const Halves how : {Halves::kReadsBetween, Halves::kWritesBetween}) {
    int caught = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      set_seed(seed);
      const Device<int32_t> out(64);
      CHECK(run(in_two_halves, 1, 64, 0, out.data, Halves::kGood).empty());
      CHECK_EQUAL(out.host()[3], 60);
      caught += run(in_two_halves, 1, 64, 0, out.data, how).empty() ? 0 : 1;
    }
    CHECK_EQUAL(caught, kSeeds / 2);  // each under the one half that takes the barrier
  }
}

// ---- warps --------------------------------------------------------------------------------------

__global__ void exchange_in_a_warp(int32_t* out, bool synchronised) {
  __shared__ int32_t tile[32];
  tile[threadIdx.x] = static_cast<int32_t>(threadIdx.x);
  if (synchronised) {
    __syncwarp();
  }
  out[threadIdx.x] = tile[31 - threadIdx.x];
}

TEST(a_warp_needs_its_barrier_too) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    Device<int32_t> out(32);
    CHECK(run(exchange_in_a_warp, 1, 32, 0, out.data, true).empty());
    CHECK_EQUAL(out.host()[3], 28);
    const std::string fault = run(exchange_in_a_warp, 1, 32, 0, out.data, false);
    CHECK(fault.find("race: ") != std::string::npos ||
          fault.find("uninitialised: ") != std::string::npos);
  }
}

/** 13 results per lane. */
__global__ void every_collective(int64_t* out) {
  const unsigned all = 0xffffffffu;
  const int lane = static_cast<int>(threadIdx.x);
  int64_t* o = out + lane * 13;
  o[0] = __shfl_sync(all, lane * 3, 7);
  o[1] = __shfl_sync(all, lane, lane + 1, 8);
  o[2] = __shfl_up_sync(all, lane, 3);
  o[3] = __shfl_down_sync(all, lane, 3, 16);
  o[4] = static_cast<int64_t>(__shfl_xor_sync(all, lane * 0.5, 5) * 2);
  o[5] = __ballot_sync(all, lane % 3 == 0);
  o[6] = __any_sync(all, lane == 9) * 10 + __any_sync(all, 0);
  o[7] = __all_sync(all, 1) * 10 + __all_sync(all, lane != 9);
  o[8] = __match_any_sync(all, lane / 5);
  int same = 0;
  o[9] = __match_all_sync(all, lane / 5, &same) + same;
  o[10] = __reduce_add_sync(all, lane) * 1000 + __reduce_max_sync(all, -lane) -
          __reduce_min_sync(all, -lane);
  o[11] = __reduce_or_sync(all, 1u << lane % 4) * 100 + __reduce_and_sync(all, 4u | 1u << lane % 4) +
          __reduce_xor_sync(all, lane == 3 ? 32u : 0u);
  o[12] = 0;
  if (lane < 8) {  // a part of the warp
    o[12] = __reduce_add_sync(0xffu, 1u);
  }
}

TEST(collectives_compute_what_cuda_does) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    set_seed(seed);
    Device<int64_t> out(32 * 13);
    const std::string fault = run(every_collective, 1, 32, 0, out.data);
    CHECK(fault.empty());
    const std::vector<int64_t> values = out.host();
    for (int lane = 0; lane < 32; ++lane) {
      const int64_t* o = &values[static_cast<size_t>(lane) * 13];
      int64_t match = 0;
      for (int other = 0; other < 32; ++other) {
        match |= other / 5 == lane / 5 ? int64_t{1} << other : 0;
      }
      CHECK_EQUAL(o[0], 21);
      CHECK_EQUAL(o[1], lane / 8 * 8 + (lane + 1) % 8);
      CHECK_EQUAL(o[2], lane < 3 ? lane : lane - 3);
      CHECK_EQUAL(o[3], lane % 16 + 3 < 16 ? lane + 3 : lane);
      CHECK_EQUAL(o[4], lane ^ 5);
      CHECK_EQUAL(o[5], 0x49249249);
      CHECK_EQUAL(o[6], 10);
      CHECK_EQUAL(o[7], 10);
      CHECK_EQUAL(o[8], match);
      CHECK_EQUAL(o[9], 0);
      CHECK_EQUAL(o[10], 496 * 1000 + 31);
      CHECK_EQUAL(o[11], 1500 + 4 + 32);
      CHECK_EQUAL(o[12], lane < 8 ? 8 : 0);
    }
  }
}

// ---- shared memory, votes, atomics --------------------------------------------------------------

/** Dynamic shared memory, two-dimensional blocks, all votes, shared and global atomics. */
__global__ void histogram(const uint8_t* in, int32_t* out, int32_t* votes, int bins) {
  SIMT_DYNAMIC_SHARED(int32_t, counts);
  const int thread = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
  if (thread < bins) {
    counts[thread] = 0;
  }
  __syncthreads();
  atomicAdd(&counts[in[thread]], 1);
  const int count = __syncthreads_count(in[thread] == 0);
  const int any = __syncthreads_or(in[thread] == 2);
  const int every = __syncthreads_and(in[thread] < bins);
  if (thread < bins) {
    atomicAdd(&out[thread], counts[thread]);
  }
  if (thread == 0) {
    atomicMax(&votes[0], count);
    atomicExch(&votes[1], any);
    atomicCAS(&votes[2], 7, every);
  }
}

TEST(votes_atomics_and_dynamic_shared_memory) {
  std::vector<uint8_t> in(96);
  for (size_t i = 0; i < in.size(); ++i) {
    in[i] = static_cast<uint8_t>(i % 5 == 4 ? 3 : i % 5);
  }
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    set_seed(seed);
    Device<uint8_t> source(in);
    Device<int32_t> out(std::vector<int32_t>(4, 0));
    Device<int32_t> votes(std::vector<int32_t>{0, 9, 7});
    CHECK(run(histogram, 3, dim3(8, 12), 16, source.data, out.data, votes.data, 4).empty());
    CHECK_SAME(out.host(), (std::vector<int32_t>{60, 57, 57, 114}));
    CHECK_SAME(votes.host(), (std::vector<int32_t>{20, 1, 1}));
    check_contains(run(histogram, 1, dim3(8, 12), 12, source.data, out.data, votes.data, 4),
                   {"past the end of dynamic shared memory"});
    check_contains(run(histogram, 1, dim3(8, 12), 20, source.data, out.data, votes.data, 3),
                   {"uninitialised: updates shared dynamic shared memory"});
  }
}

/** Shared memory does not outlive its block. */
__global__ void reads_the_block_before(int32_t* out) {
  __shared__ int32_t slot;
  if (blockIdx.x == 0) {
    slot = 1;
  }
  out[blockIdx.x] = slot;
}

TEST(shared_memory_starts_undefined_in_every_block) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    set_seed(seed);
    Device<int32_t> out(2);
    check_contains(run(reads_the_block_before, 2, 1, 0, out.data),
                   {"block (1, 0, 0)", "uninitialised: reads shared slot"});
  }
}

// ---- launches that may begin before the former one has ended --------------------------------------

enum class Early { kWaits, kReadsFirst, kWritesFirst, kNeverWaits };

/** values[i] += given[i] by one launch after another, of which each may begin early. */
__global__ void adds_up(const int32_t* given, int32_t* values, Early how) {
  const int i = static_cast<int>(threadIdx.x);
  const int32_t mine = given[i];
  const int32_t early = how == Early::kReadsFirst ? values[i] : 0;
  if (how == Early::kWritesFirst) {
    values[i] = mine;
  }
  if (how != Early::kNeverWaits || i % 2 == 0) {
    medpruner::cuda::await_former_launch();
    medpruner::cuda::admit_next_launch();
    values[i] += mine + early;
  }
}

std::string run_chain(const int32_t* given, int32_t* values, Early how) {
  const std::string first = run(adds_up, 1, 64, 0, given, values, Early::kWaits);
  cudaLaunchAttribute early = {};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  const cudaLaunchConfig_t config = {1, 64, 0, nullptr, &early, 1};
  for (int i = 0; i < 2 && simt::fault_text().empty(); ++i) {
    cudaLaunchKernelEx(&config, adds_up, given, values, how);
  }
  return first + simt::fault_text();
}

TEST(what_a_launch_does_too_early_is_caught) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    set_seed(seed);
    const Device<int32_t> given(ramp());
    const Device<int32_t> values(std::vector<int32_t>(64, 0));
    CHECK(run_chain(given.data, values.data, Early::kWaits).empty());
    std::vector<int32_t> expected = ramp();
    for (int32_t& value : expected) {
      value *= 3;
    }
    CHECK_SAME(values.host(), expected);
    check_contains(run_chain(given.data, values.data, Early::kReadsFirst),
                   {"early launch: reads global allocation", "which a launch that may still be running"});
    check_contains(run_chain(given.data, values.data, Early::kWritesFirst),
                   {"early launch: writes global allocation", "before the wait for the former launch"});
    check_contains(run_chain(given.data, values.data, Early::kNeverWaits),
                   {"early launch: the thread ends without a wait"});
    // A launch that is none of the chain has all before it.
    CHECK(run(adds_up, 1, 64, 0, given.data, values.data, Early::kReadsFirst).empty());
  }
}

TEST(a_bad_configuration_is_refused) {
  Device<int32_t> out(1);
  check_contains(run(all_write_one, 1, 1025, 0, out.data), {"invalid configuration"});
  check_contains(run(all_write_one, 0, 1, 0, out.data), {"invalid configuration"});
  check_contains(run(all_write_one, dim3(1, 65536), 1, 0, out.data), {"invalid configuration"});
}

}  // namespace

int main() { return harness::run_tests(); }
