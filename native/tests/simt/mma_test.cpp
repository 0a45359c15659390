/* SPDX-License-Identifier: Apache-2.0 */
// The stand-ins of src/cuda/common/mma.cuh and wgmma.cuh: what they compute, and that they report each kind of misuse.

#include "cuda/common/mma.cuh"

#include "cuda/common/block.cuh"
#include "cuda/common/wgmma.cuh"
#include "launches.hpp"

namespace {

using medpruner::BFloat;
using medpruner::Half;
using namespace medpruner::cuda;

constexpr uint64_t kSeeds = 12;

template <class T>
T number(float value) {
  T result;
  medpruner::from_float(value, &result);
  return result;
}

// ---- products -----------------------------------------------------------------------------------

template <class T>
__device__ uint32_t pair_of(const T* values) {
  return values[0].bits | static_cast<uint32_t>(values[1].bits) << 16;
}

/** c += a * b^T with a [16][16], b [8][16], c [16][8]; fragments by the words of mma.cuh. */
template <class T>
__global__ void product(const T* a, const T* b, float* c) {
  const int group = static_cast<int>(threadIdx.x) / 4;
  const int pair = static_cast<int>(threadIdx.x) % 4 * 2;
  const uint32_t left[4] = {pair_of(a + group * 16 + pair), pair_of(a + (group + 8) * 16 + pair),
                            pair_of(a + group * 16 + pair + 8),
                            pair_of(a + (group + 8) * 16 + pair + 8)};
  float sums[4];
  for (int i = 0; i < 4; ++i) {
    sums[i] = c[(group + i / 2 * 8) * 8 + pair + i % 2];
  }
  mma_m16n8k16(sums, left, pair_of(b + group * 16 + pair), pair_of(b + group * 16 + pair + 8), T());
  for (int i = 0; i < 4; ++i) {
    c[(group + i / 2 * 8) * 8 + pair + i % 2] = sums[i];
  }
}

template <class T>
void check_product() {
  std::vector<T> a(256);
  std::vector<T> b(128);
  std::vector<float> c(128);
  for (int i = 0; i < 256; ++i) {
    a[static_cast<size_t>(i)] = number<T>(static_cast<float>(i * 7 % 31 - 15) / 4);
  }
  for (int i = 0; i < 128; ++i) {
    b[static_cast<size_t>(i)] = number<T>(static_cast<float>(i * 11 % 29 - 14) * 8);
    c[static_cast<size_t>(i)] = static_cast<float>(i);
  }
  std::vector<float> expected = c;  // exact: multiples of 1 below 2^24
  for (size_t row = 0; row < 16; ++row) {
    for (size_t column = 0; column < 8; ++column) {
      for (size_t k = 0; k < 16; ++k) {
        expected[row * 8 + column] += to_float(a[row * 16 + k]) * to_float(b[column * 16 + k]);
      }
    }
  }
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    const Device<T> left(a);
    const Device<T> right(b);
    const Device<float> sums(c);
    CHECK(run(product<T>, 1, 32, 0, left.data, right.data, sums.data).empty());
    CHECK_SAME(sums.host(), expected);
  }
}

TEST(products_of_f16) { check_product<Half>(); }
TEST(products_of_bf16) { check_product<BFloat>(); }

/** Products are exact and added in ascending order, so that a small one is lost behind a large one. */
TEST(the_order_of_a_product) {
  std::vector<Half> a(256, number<Half>(0));
  std::vector<Half> b(128, number<Half>(0));
  for (size_t k = 0; k < 16; ++k) {
    a[k] = number<Half>(k == 3 ? 4096.0f : 1.0f);
    b[k] = number<Half>(k == 3 ? 4096.0f : (k == 12 ? -1.0f : 1.0f));
  }
  set_seed(1);
  const Device<Half> left(a);
  const Device<Half> right(b);
  const Device<float> sums(std::vector<float>(128, 0.0f));
  CHECK(run(product<Half>, 1, 32, 0, left.data, right.data, sums.data).empty());
  // 3, then 2^24 + 3 rounds to 2^24 + 4, to which + 1 is a tie that goes back; - 1 is not.
  float expected = 0;
  for (size_t k = 0; k < 16; ++k) {
    expected += to_float(a[k]) * to_float(b[k]);
  }
  CHECK_EQUAL(sums.host()[0], expected);
}

__global__ void half_a_product() {
  float c[4] = {};
  const uint32_t a[4] = {};
  if (threadIdx.x < 16) {
    mma_m16n8k16(c, a, 0, 0, Half());
  } else {
    mma_m16n8k16(c, a, 0, 0, BFloat());
  }
}

__global__ void a_lane_is_gone() {
  float c[4] = {};
  const uint32_t a[4] = {};
  if (threadIdx.x != 9) {
    mma_m16n8k16(c, a, 0, 0, Half());
  }
}

TEST(a_product_needs_its_whole_warp) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    check_contains(run(half_a_product, 1, 32, 0),
                   {"different collectives", "mma_m16n8k16 (f16)", "mma_m16n8k16 (bf16)"});
    const std::string gone = run(a_lane_is_gone, 1, 32, 0);
    CHECK(gone.find("lane 9 of the mask has exited") != std::string::npos ||
          gone.find("deadlock, 31 threads wait: ") != std::string::npos);
  }
}

// ---- ldmatrix -----------------------------------------------------------------------------------

/** 32 rows of 8 values in shared memory, `stride` bytes apart; lane l asks for row l, shifted. */
__global__ void loads(uint32_t* out, int stride, int shift, bool synchronised) {
  __shared__ __align__(16) unsigned char tile[32 * 48];
  const int lane = static_cast<int>(threadIdx.x);
  for (int i = 0; i < 8; ++i) {
    *reinterpret_cast<uint16_t*>(tile + lane * stride + i * 2) = static_cast<uint16_t>(lane * 8 + i);
  }
  if (synchronised) {
    __syncwarp();
  }
  uint32_t values[4];
  ldmatrix_x4(values, tile + lane * stride + shift);
  for (int i = 0; i < 4; ++i) {
    out[lane * 4 + i] = values[i];
  }
}

__global__ void loads_from_global(const uint32_t* in, uint32_t* out) {
  uint32_t values[4];
  ldmatrix_x4(values, in);
  out[threadIdx.x] = values[0];
}

TEST(matrices_from_shared_memory) {
  std::vector<uint32_t> expected(128);
  for (uint32_t lane = 0; lane < 32; ++lane) {
    for (uint32_t matrix = 0; matrix < 4; ++matrix) {
      const uint32_t first = (matrix * 8 + lane / 4) * 8 + lane % 4 * 2;
      expected[lane * 4 + matrix] = first | (first + 1) << 16;
    }
  }
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    const Device<uint32_t> out(128);
    CHECK(run(loads, 1, 32, 0, out.data, 48, 0, true).empty());
    CHECK_SAME(out.host(), expected);
    const std::string alone = run(loads, 1, 32, 0, out.data, 48, 0, false);
    CHECK(alone.empty());  // each lane reads what it wrote itself
    check_contains(run(loads, 1, 32, 0, out.data, 48, 48, true),
                   {"thread (31, 0, 0)", "out of bounds: reads 16 bytes", "past the end of tile",
                    "mma_test.cpp:"});
    check_contains(run(loads, 1, 32, 0, out.data, 48, 16, true),
                   {"uninitialised: reads shared tile", "mma_test.cpp:"});
    check_contains(run(loads, 1, 32, 0, out.data, 48, 8, true),
                   {"misaligned: reads 16 bytes in shared tile"});
    check_contains(run(loads, 1, 32, 0, out.data, 16, 16, false), {"shared tile"});
    check_contains(run(loads_from_global, 1, 32, 0, out.data, out.data),
                   {"ldmatrix_x4 reads outside shared memory"});
  }
}

// ---- asynchronous copies ------------------------------------------------------------------------

struct Copying {
  bool wait, barrier;
  int bytes;       // of each copy of 16
  int groups;      // of one copy each
  int read_group;  // which of them is read, by the neighbour
};

__global__ void copies(const uint32_t* in, uint32_t* out, Copying how) {
  __shared__ __align__(16) uint32_t tile[4][64 * 4];
  const int thread = static_cast<int>(threadIdx.x);
  for (int g = 0; g < how.groups; ++g) {
    cp_async<16>(tile[g] + thread * 4, in + (g * 64 + thread) * 4, how.bytes);
    cp_async_commit();
  }
  if (how.wait) {
    cp_async_wait<1>();
  }
  if (how.barrier) {
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i) {
    out[thread * 4 + i] = tile[how.read_group][(thread + 1) % 64 * 4 + i];
  }
  cp_async_wait<0>();
}

std::vector<uint32_t> numbers(size_t count) {
  std::vector<uint32_t> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<uint32_t>(i * 2654435761u);
  }
  return values;
}

TEST(copies_arrive_at_their_wait) {
  const std::vector<uint32_t> values = numbers(3 * 256);
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    const Device<uint32_t> in(values);
    const Device<uint32_t> out(256);
    CHECK(run(copies, 1, 64, 0, in.data, out.data, Copying{true, true, 16, 3, 1}).empty());
    std::vector<uint32_t> expected(256);
    for (size_t i = 0; i < 256; ++i) {
      expected[i] = values[256 + (i + 4) % 256];
    }
    CHECK_SAME(out.host(), expected);

    CHECK(run(copies, 1, 64, 0, in.data, out.data, Copying{true, true, 6, 2, 0}).empty());
    for (size_t i = 0; i < 256; ++i) {
      const uint32_t value = values[(i + 4) % 256];
      expected[i] = i % 4 == 0 ? value : (i % 4 == 1 ? value & 0xffffu : 0);
    }
    CHECK_SAME(out.host(), expected);
  }
}

TEST(a_missing_wait_is_caught) {
  const std::vector<uint32_t> values = numbers(3 * 256);
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    const Device<uint32_t> in(values);
    const Device<uint32_t> out(256);
    const std::vector<std::string> text = {"unfinished copy: reads shared tile, byte ",
                                           "nothing waited for it", "mma_test.cpp:"};
    check_contains(run(copies, 1, 64, 0, in.data, out.data, Copying{false, true, 16, 1, 0}), text);
    // The wait leaves the last group.
    check_contains(run(copies, 1, 64, 0, in.data, out.data, Copying{true, true, 16, 3, 2}), text);
    // By the test of barriers too, which takes a wait out by its place.
    CHECK(run(copies, 1, 64, 0, in.data, out.data, Copying{true, true, 16, 3, 1}).empty());
    int met = 0;
    for (const auto& place : simt::barriers_met()) {
      simt::options().omitted_barrier = place;
      if (place.first == "simt/mma_test.cpp") {
        ++met;
        CHECK(!run(copies, 1, 64, 0, in.data, out.data, Copying{true, true, 16, 3, 1}).empty());
      }
    }
    CHECK_EQUAL(met, 3);
  }
}

TEST(a_missing_barrier_behind_the_wait_is_caught) {
  const std::vector<uint32_t> values = numbers(3 * 256);
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    const Device<uint32_t> in(values);
    const Device<uint32_t> out(256);
    const std::string fault =
        run(copies, 1, 64, 0, in.data, out.data, Copying{true, false, 16, 2, 0});
    CHECK(fault.find("race: ") != std::string::npos ||
          fault.find("unfinished copy: ") != std::string::npos ||
          fault.find("uninitialised: ") != std::string::npos);
    check_contains(fault, {"shared tile, byte "});
  }
}

/** A stage is filled again while a neighbour may still read it, unless there is a barrier. */
__global__ void refills(const uint32_t* in, uint32_t* out, bool barrier) {
  __shared__ __align__(16) uint32_t stage[64];
  const int thread = static_cast<int>(threadIdx.x);
  uint32_t sum = 0;
  for (int round = 0; round < 3; ++round) {
    if (barrier) {
      __syncthreads();
    }
    cp_async<4>(stage + thread, in + round * 64 + thread, 4);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    sum += stage[63 - thread];
  }
  out[thread] = sum;
}

TEST(a_stage_filled_too_early_is_caught) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    const Device<uint32_t> in(numbers(192));
    const Device<uint32_t> out(64);
    CHECK(run(refills, 1, 64, 0, in.data, out.data, true).empty());
    const std::string fault = run(refills, 1, 64, 0, in.data, out.data, false);
    CHECK(fault.find("race: ") != std::string::npos ||
          fault.find("unfinished copy: ") != std::string::npos);
  }
}

template <int kWidth>
__global__ void copies_one(const char* in, int shift, int to, int bytes, bool wait) {
  __shared__ __align__(16) char tile[64];
  cp_async<kWidth>(tile + to, in + shift, bytes);
  cp_async_commit();
  if (wait) {
    cp_async_wait<0>();
  }
}

__global__ void copies_backwards(char* global) {
  __shared__ __align__(16) char tile[16];
  cp_async<16>(global, tile, 16);
}

TEST(bad_copies_are_caught) {
  set_seed(1);
  const Device<char> in(std::vector<char>(40, 1));
  CHECK(run(copies_one<16>, 1, 1, 0, in.data, 32, 48, 8, true).empty());  // the last 8 bytes
  CHECK(run(copies_one<8>, 1, 1, 0, in.data, 32, 40, 8, true).empty());
  CHECK(run(copies_one<4>, 1, 1, 0, in.data, 36, 4, 4, true).empty());
  CHECK(run(copies_one<16>, 1, 1, 0, in.data, 4096, 0, 0, true).empty());  // nothing is read
  check_contains(run(copies_one<16>, 1, 1, 0, in.data, 32, 0, 9, true),
                 {"out of bounds: reads 9 bytes across the end of allocation"});
  check_contains(run(copies_one<16>, 1, 1, 0, in.data, 0, 64, 16, true),
                 {"out of bounds: writes 16 bytes 0 bytes past the end of tile"});
  check_contains(run(copies_one<8>, 1, 1, 0, in.data, 4, 0, 8, true), {"misaligned: cp_async reads"});
  check_contains(run(copies_one<8>, 1, 1, 0, in.data, 8, 4, 8, true), {"misaligned: writes 8 bytes"});
  check_contains(run(copies_one<4>, 1, 1, 0, in.data, 0, 0, 8, true), {"cp_async of 8 bytes"});
  check_contains(run(copies_one<16>, 1, 1, 0, in.data, 0, 0, 16, false),
                 {"the thread ends and nothing waited for its cp_async at mma_test.cpp:"});
  check_contains(run(copies_backwards, 1, 1, 0, in.data), {"cp_async not from global to shared"});
  // What an abandoned launch left in flight is forgotten.
  CHECK(run(copies_one<16>, 1, 1, 0, in.data, 0, 0, 16, true).empty());
}

// ---- products of a warpgroup ---------------------------------------------------------------------

struct Multiplying {
  bool wait, spoil, leave;  // waits; overwrites b before it does; threads of the second warp leave early
};

/** c = a * b^T + a * b^T with a and b [64][16] in units of 8: by one group of two products. */
template <class T>
__global__ void warpgroup_product(const T* a, const T* b, float* c, Multiplying how) {
  __shared__ __align__(16) T left[2][64][8];
  __shared__ __align__(16) T right[2][64][8];
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < 64 * 16; i += 128) {
    left[i % 16 / 8][i / 16][i % 8] = a[i];
    right[i % 16 / 8][i / 16][i % 8] = b[i];
  }
  fence_for_products();
  __syncthreads();
  const SharedMatrix own = shared_matrix(left, 64 * 16, 128);
  const SharedMatrix other = shared_matrix(right, 64 * 16, 128);
  float sums[32];
  warpgroup_arrive();
  warpgroup_multiply<false>(sums, own, other, T());
  warpgroup_multiply<true>(sums, own, other, T());
  warpgroup_commit();
  if (how.spoil && thread == 0) {
    right[0][5][0].bits = 0;
  }
  if (how.leave && thread / 32 == 1) {
    return;
  }
  if (how.wait) {
    warpgroup_wait<0>(sums);
  }
  for (int i = 0; i < 32; ++i) {
    const int row = thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
    c[row * 64 + i / 4 * 8 + thread % 4 * 2 + i % 2] = sums[i];
  }
}

template <class T>
void check_warpgroup_product() {
  std::vector<T> a(64 * 16);
  std::vector<T> b(64 * 16);
  for (int i = 0; i < 64 * 16; ++i) {
    a[static_cast<size_t>(i)] = number<T>(static_cast<float>(i * 7 % 31 - 15) / 4);
    b[static_cast<size_t>(i)] = number<T>(static_cast<float>(i * 11 % 29 - 14) * 8);
  }
  std::vector<float> expected(64 * 64);  // exact: multiples of 2 below 2^24
  for (size_t row = 0; row < 64; ++row) {
    for (size_t column = 0; column < 64; ++column) {
      for (size_t k = 0; k < 16; ++k) {
        expected[row * 64 + column] += 2 * to_float(a[row * 16 + k]) * to_float(b[column * 16 + k]);
      }
    }
  }
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    const Device<T> left(a);
    const Device<T> right(b);
    const Device<float> sums(std::vector<float>(64 * 64, 0.0f));
    CHECK(run(warpgroup_product<T>, 1, 128, 0, left.data, right.data, sums.data,
              Multiplying{true, false, false})
              .empty());
    CHECK_SAME(sums.host(), expected);
    const std::string early = run(warpgroup_product<T>, 1, 128, 0, left.data, right.data, sums.data,
                                  Multiplying{false, false, false});
    check_contains(early, {"unfinished product: the thread ends and nothing waited for it"});
    const std::string spoilt = run(warpgroup_product<T>, 1, 128, 0, left.data, right.data, sums.data,
                                   Multiplying{true, true, false});
    CHECK(spoilt.find("race: ") != std::string::npos);
    CHECK(!run(warpgroup_product<T>, 1, 128, 0, left.data, right.data, sums.data,
               Multiplying{true, false, true})
               .empty());
  }
}

/** The same, once, with b swizzled, as components 16 on of its rows, from `offset` bytes on. */
template <class T>
__global__ void swizzled_product(const T* a, const T* b, float* c, int offset) {
  __shared__ __align__(16) T left[2][64][8];
  __shared__ __align__(1024) unsigned char right[128 + 64 * kSwizzledRow];
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < 64 * 16; i += 128) {
    left[i % 16 / 8][i / 16][i % 8] = a[i];
    *reinterpret_cast<T*>(right + swizzled_unit(i / 16, 2 + i % 16 / 8) + i % 8 * 2) = b[i];
  }
  fence_for_products();
  __syncthreads();
  float sums[32];
  warpgroup_arrive();
  warpgroup_multiply<false>(sums, shared_matrix(left, 64 * 16, 128), swizzled_matrix(right + offset).behind(32), T());
  warpgroup_commit();
  warpgroup_wait<0>(sums);
  for (int i = 0; i < 32; ++i) {
    const int row = thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
    c[row * 64 + i / 4 * 8 + thread % 4 * 2 + i % 2] = sums[i];
  }
}

TEST(a_swizzled_matrix_is_multiplied_as_its_rows) {
  std::vector<BFloat> a(64 * 16);
  std::vector<BFloat> b(64 * 16);
  std::vector<float> expected(64 * 64);  // exact
  for (size_t i = 0; i < 64 * 16; ++i) {
    a[i] = number<BFloat>(static_cast<float>(i * 7 % 31) - 15);
    b[i] = number<BFloat>(static_cast<float>(i * 11 % 29) - 14);
  }
  for (size_t i = 0; i < 64 * 64; ++i) {
    for (size_t k = 0; k < 16; ++k) {
      expected[i] += to_float(a[i / 64 * 16 + k]) * to_float(b[i % 64 * 16 + k]);
    }
  }
  set_seed(1);
  const Device<BFloat> left(a);
  const Device<BFloat> right(b);
  const Device<float> sums(std::vector<float>(64 * 64, 0.0f));
  CHECK(run(swizzled_product<BFloat>, 1, 128, 0, left.data, right.data, sums.data, 0).empty());
  CHECK_SAME(sums.host(), expected);
  check_contains(run(swizzled_product<BFloat>, 1, 128, 0, left.data, right.data, sums.data, 128),
                 {"swizzled matrix that does not start at a multiple of 1024 bytes"});
}

TEST(warpgroup_products_of_f16) { check_warpgroup_product<Half>(); }
TEST(warpgroup_products_of_bf16) { check_warpgroup_product<BFloat>(); }

__global__ void a_product_of_registers(float* c) {
  float sums[32];
  float values[64] = {};
  const SharedMatrix own = shared_matrix(values, 64, 128);
  warpgroup_multiply<false>(sums, own, own, Half());
  c[0] = sums[0];
}

TEST(a_warpgroup_product_needs_shared_memory) {
  set_seed(1);
  const Device<float> out(1);
  check_contains(run(a_product_of_registers, 1, 32, 0, out.data),
                 {"warpgroup_multiply of a matrix that is not in shared memory"});
}

// ---- dynamic shared memory ----------------------------------------------------------------------

__global__ void fills(uint32_t* out, int count) {
  MEDPRUNER_DYNAMIC_SHARED(bytes);
  auto* values = reinterpret_cast<uint32_t*>(bytes);
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) {
    values[i] = static_cast<uint32_t>(i);
  }
  __syncthreads();
  out[threadIdx.x] = values[count - 1 - static_cast<int>(threadIdx.x)];
}

TEST(more_dynamic_shared_memory_has_to_be_asked_for) {
  set_seed(1);
  const Device<uint32_t> out(32);
  CHECK(run(fills, 1, 32, 48 * 1024, out.data, 48 * 256).empty());
  check_contains(run(fills, 1, 32, 64 * 1024, out.data, 64 * 256),
                 {"65536 bytes of dynamic shared memory, allowed are 49152"});
  CHECK_EQUAL(cudaFuncSetAttribute(fills, cudaFuncAttributeMaxDynamicSharedMemorySize, 64 * 1024),
              cudaSuccess);
  CHECK(run(fills, 1, 32, 64 * 1024, out.data, 64 * 256).empty());
  CHECK_EQUAL(out.host()[1], 64u * 256 - 2);
  check_contains(run(fills, 1, 32, 64 * 1024, out.data, 64 * 256 + 1),
                 {"past the end of dynamic shared memory"});
  CHECK_EQUAL(cudaFuncSetAttribute(fills, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 20),
              cudaErrorInvalidValue);
  simt::clear_fault();
  CHECK_EQUAL(cudaFuncSetAttribute(fills, cudaFuncAttributeMaxDynamicSharedMemorySize, 60 * 1024),
              cudaErrorInvalidValue);
  check_contains(simt::fault_text(), {"fills is allowed 61440 bytes", "less than the 65536"});
}

}  // namespace

int main() { return harness::run_tests(); }
