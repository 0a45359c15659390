/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The matrix products that a warpgroup of sm_90a leaves to its tensor cores while it goes on: four consecutive
// warps, the first with a number divisible by 4, whose 128 threads call each of these together. Kernels issue
// them through these functions alone, as those of mma.cuh.

#include <stdint.h>

#include <type_traits>

#include "common/dtype.hpp"

#if !defined(__CUDACC__)
#include "cuda_wgmma.hpp"
#else

namespace medpruner::cuda {

#if defined(__CUDA_ARCH__) && !defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define MEDPRUNER_SM90A(...) __trap()  // the host launches no kernel that comes here
#else
#define MEDPRUNER_SM90A(...) asm volatile(__VA_ARGS__)
#endif

/** A matrix in shared memory as the tensor cores find it: 8 rows of 16 bytes lie together in 128 bytes. */
struct SharedMatrix {
  uint32_t low, high;  // of the descriptor

  /** The one `bytes` behind it, a multiple of 16 that keeps it within the shared memory. */
  __device__ SharedMatrix behind(int bytes) const { return {low + static_cast<uint32_t>(bytes >> 4), high}; }
};

/**
 * `unit_stride` bytes from 8 components of a row to the next 8, `group_stride` bytes from 8 rows to the next 8;
 * all multiples of 16. PTX ISA, "Matrix descriptor", without swizzling.
 */
__device__ inline SharedMatrix shared_matrix(const void* start, int unit_stride, int group_stride) {
  const uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(start)) & 0x3ffffu;
  return {at >> 4 | static_cast<uint32_t>(unit_stride >> 4) << 16, static_cast<uint32_t>(group_stride >> 4)};
}

/** Bytes that a row takes in a matrix by swizzled_matrix(). */
constexpr int kSwizzledRow = 128;

/** Where such a matrix has the 16 bytes `unit` of a row: 8 rows hold theirs in 8 orders, each in the banks of all. */
__device__ inline int swizzled_unit(int row, int unit) { return row * kSwizzledRow + (unit ^ (row & 7)) * 16; }

/**
 * The first 16 components of rows of 64, which lie as swizzled_unit() says, from a multiple of 1024 on; the next 16 are
 * 32 bytes behind(). PTX ISA, "Matrix descriptor", swizzled by 128 bytes.
 */
__device__ inline SharedMatrix swizzled_matrix(const void* start) {
  const uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(start)) & 0x3ffffu;
  return {at >> 4 | 1u << 16, 8 * kSwizzledRow >> 4 | 1u << 30};
}

/** Before the first product after c was touched. */
__device__ inline void warpgroup_arrive() { MEDPRUNER_SM90A("wgmma.fence.sync.aligned;" ::: "memory"); }

/** Makes what this thread wrote to shared memory visible to products; a barrier behind it is for the others'. */
__device__ inline void fence_for_products() {
  MEDPRUNER_SM90A("fence.proxy.async.shared::cta;" ::: "memory");
}

/** Ends a group of products. */
__device__ inline void warpgroup_commit() {
  MEDPRUNER_SM90A("wgmma.commit_group.sync.aligned;" ::: "memory");
}

#define MEDPRUNER_C32(mode)                                                                         \
  mode(c[0]), mode(c[1]), mode(c[2]), mode(c[3]), mode(c[4]), mode(c[5]), mode(c[6]), mode(c[7]),   \
      mode(c[8]), mode(c[9]), mode(c[10]), mode(c[11]), mode(c[12]), mode(c[13]), mode(c[14]),      \
      mode(c[15]), mode(c[16]), mode(c[17]), mode(c[18]), mode(c[19]), mode(c[20]), mode(c[21]),    \
      mode(c[22]), mode(c[23]), mode(c[24]), mode(c[25]), mode(c[26]), mode(c[27]), mode(c[28]),    \
      mode(c[29]), mode(c[30]), mode(c[31])
#define MEDPRUNER_OUT(value) "=f"(value)
#define MEDPRUNER_INOUT(value) "+f"(value)
/** With `condition` "ne" c = a * b, with "eq" c += a * b: whether it holds of 0 and 0 says whether to add. */
#define MEDPRUNER_PRODUCT(type, condition, mode)                                                   \
  MEDPRUNER_SM90A(                                                                                 \
      "{.reg .pred p; .reg .b64 a, b; mov.b64 a, {%32, %33}; mov.b64 b, {%34, %35}; "              \
      "setp." condition ".u32 p, 0, 0; "                                                           \
      "wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type                                  \
      " {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, "    \
      "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, a, b, p, 1, 1, 0, 0;}"    \
      : MEDPRUNER_C32(mode)                                                                        \
      : "r"(a.low), "r"(a.high), "r"(b.low), "r"(b.high)                                           \
      : "memory")

/** Waits for this warpgroup's groups but the last kGroups; c: what the oldest of them that is waited for gives. */
template <int kGroups>
__device__ inline void warpgroup_wait(float (&c)[32]) {
  MEDPRUNER_SM90A("wgmma.wait_group.sync.aligned %0;" ::"n"(kGroups) : "memory");
  // Behind it and not part of it: what the compiler copies for an operand, it would read too early.
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    asm volatile("" : "+f"(c[i])::"memory");
  }
}

/**
 * Keeps the work behind `value` in front of the waits that follow: ptxas moves arithmetic across them, and would have all
 * products waited for before anything is done with the first, but it moves no store. `slot` is this thread's own, in
 * shared memory.
 */
__device__ inline void finish_before_wait(float* slot, float value) {
  MEDPRUNER_SM90A("st.volatile.shared.f32 [%0], %1;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(slot))),
                  "f"(value)
                  : "memory");
}

/**
 * Starts c = a * b, or c += a * b where kAdd: a 64 x 16, of which warp w of the group has rows from 16 * w on; b 64 x 16,
 * its rows the columns of c; c 64 x 64, of which a lane holds, with group = lane / 4 and pair = lane % 4 * 2,
 *   c[4 * n], c[4 * n + 1]: row group of its warp's 16, columns 8 * n + pair and the next;  + 2, + 3: row group + 8.
 * Until the wait for the group nobody touches c or writes to a or b.
 */
template <bool kAdd, class T>
__device__ inline void warpgroup_multiply(float (&c)[32], SharedMatrix a, SharedMatrix b, T) {
  static_assert(std::is_same_v<T, Half> || std::is_same_v<T, BFloat>, "a type of 16 bits");
  constexpr bool kHalf = std::is_same_v<T, Half>;
  if constexpr (kHalf && kAdd) {
    MEDPRUNER_PRODUCT("f16", "eq", MEDPRUNER_INOUT);
  } else if constexpr (kHalf) {
    MEDPRUNER_PRODUCT("f16", "ne", MEDPRUNER_OUT);
  } else if constexpr (kAdd) {
    MEDPRUNER_PRODUCT("bf16", "eq", MEDPRUNER_INOUT);
  } else {
    MEDPRUNER_PRODUCT("bf16", "ne", MEDPRUNER_OUT);
  }
}

#undef MEDPRUNER_PRODUCT
#undef MEDPRUNER_INOUT
#undef MEDPRUNER_OUT
#undef MEDPRUNER_C32
#undef MEDPRUNER_SM90A

}  // namespace medpruner::cuda

#endif  // __CUDACC__
