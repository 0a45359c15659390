/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The device side of CUDA C++ as far as the kernels here go, on the executor. Everything that touches
// memory for the kernel is kept out of its instrumentation.

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <type_traits>

#include "executor/executor.hpp"

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned width = 1, unsigned height = 1, unsigned depth = 1)
      : x(width), y(height), z(depth) {}
};

#define SIMT_VECTORS(type, name)                                                              \
  struct alignas(2 * sizeof(type)) name##2 { type x, y; };                                    \
  struct alignas(sizeof(type) < 8 ? 4 * sizeof(type) : 16) name##4 { type x, y, z, w; };      \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; }                            \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
SIMT_VECTORS(int, int)
SIMT_VECTORS(unsigned, uint)
SIMT_VECTORS(float, float)
SIMT_VECTORS(long long, longlong)
SIMT_VECTORS(unsigned long long, ulonglong)
SIMT_VECTORS(double, double)
#undef SIMT_VECTORS

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
// The alignment keeps the variables apart and tells them from others: see executor/image.hpp.
#define __shared__ static __attribute__((aligned(65536)))
/** `type name[]` of dynamic shared memory; what `extern __shared__ type name[]` is to nvcc. */
#define SIMT_DYNAMIC_SHARED(type, name) \
  type* const name = static_cast<type*>(::simt::dynamic_shared_memory())

#define threadIdx (::simt::thread_index())
#define blockIdx (::simt::block_index())
#define blockDim (::simt::block_extent())
#define gridDim (::simt::grid_extent())
constexpr int warpSize = 32;

#define SIMT_RAW __attribute__((no_sanitize("thread"), noinline))
#define SIMT_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

namespace simt {

template <class T>
SIMT_RAW uint64_t to_bits(T value) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8), "as in CUDA");
  if constexpr (std::is_integral_v<T>) {
    return static_cast<uint64_t>(value);
  }
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  return bits;
}

template <class T>
SIMT_RAW T from_bits(uint64_t bits) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(bits);
  }
  T value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/** Old value; `next` computes the new one. */
template <class T, class Next>
SIMT_RAW T update(T* address, Site site, Next next) {
  atomic_access(address, sizeof(T), site);
  T old;
  memcpy(&old, address, sizeof old);
  const T value = next(old);
  memcpy(address, &value, sizeof value);
  return old;
}

}  // namespace simt

inline void __syncthreads(SIMT_SITE) {
  ::simt::block_barrier(::simt::Vote::kNone, 0, {file, line});
}
inline int __syncthreads_or(int predicate, SIMT_SITE) {
  return ::simt::block_barrier(::simt::Vote::kOr, predicate, {file, line});
}
inline int __syncthreads_and(int predicate, SIMT_SITE) {
  return ::simt::block_barrier(::simt::Vote::kAnd, predicate, {file, line});
}
inline int __syncthreads_count(int predicate, SIMT_SITE) {
  return ::simt::block_barrier(::simt::Vote::kCount, predicate, {file, line});
}
inline void __syncwarp(unsigned mask = 0xffffffffu, SIMT_SITE) {
  ::simt::warp_collective(::simt::Collective::kSyncWarp, mask, 0, 0, 32, {file, line});
}
inline void __threadfence() { ::simt::fence(); }
inline unsigned __activemask() { return ::simt::active_lanes(); }
inline void __trap(SIMT_SITE) { ::simt::trap({file, line}); }

#define SIMT_SHUFFLE(name, operation, Argument)                                             \
  template <class T>                                                                        \
  T name(unsigned mask, T value, Argument argument, int width = 32, SIMT_SITE) {            \
    return ::simt::from_bits<T>(::simt::warp_collective(                                    \
        ::simt::Collective::operation, mask, ::simt::to_bits(value),                        \
        static_cast<int>(argument), width, {file, line}));                                  \
  }
SIMT_SHUFFLE(__shfl_sync, kShuffle, int)
SIMT_SHUFFLE(__shfl_up_sync, kShuffleUp, unsigned)
SIMT_SHUFFLE(__shfl_down_sync, kShuffleDown, unsigned)
SIMT_SHUFFLE(__shfl_xor_sync, kShuffleXor, int)
#undef SIMT_SHUFFLE

inline unsigned __ballot_sync(unsigned mask, int predicate, SIMT_SITE) {
  return static_cast<unsigned>(::simt::warp_collective(::simt::Collective::kBallot, mask,
                                                       predicate != 0, 0, 32, {file, line}));
}
inline int __any_sync(unsigned mask, int predicate, SIMT_SITE) {
  return static_cast<int>(::simt::warp_collective(::simt::Collective::kAny, mask, predicate != 0,
                                                  0, 32, {file, line}));
}
inline int __all_sync(unsigned mask, int predicate, SIMT_SITE) {
  return static_cast<int>(::simt::warp_collective(::simt::Collective::kAll, mask, predicate != 0,
                                                  0, 32, {file, line}));
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, SIMT_SITE) {
  return static_cast<unsigned>(::simt::warp_collective(
      ::simt::Collective::kMatchAny, mask, ::simt::to_bits(value), 0, 32, {file, line}));
}
template <class T>
SIMT_RAW unsigned __match_all_sync(unsigned mask, T value, int* same, SIMT_SITE) {
  const unsigned lanes = static_cast<unsigned>(::simt::warp_collective(
      ::simt::Collective::kMatchAll, mask, ::simt::to_bits(value), 0, 32, {file, line}));
  *same = lanes != 0 ? 1 : 0;
  return lanes;
}

#define SIMT_REDUCE(name, operation)                                                          \
  template <class T>                                                                          \
  T name(unsigned mask, T value, SIMT_SITE) {                                                 \
    static_assert(std::is_integral_v<T> && sizeof(T) == 4, "as in CUDA");                     \
    return static_cast<T>(::simt::warp_collective(::simt::Collective::operation, mask,        \
                                                  ::simt::to_bits(value), 0, 32, {file, line})); \
  }
SIMT_REDUCE(__reduce_add_sync, kReduceAdd)
SIMT_REDUCE(__reduce_min_sync, kReduceMin)
SIMT_REDUCE(__reduce_max_sync, kReduceMax)
SIMT_REDUCE(__reduce_and_sync, kReduceAnd)
SIMT_REDUCE(__reduce_or_sync, kReduceOr)
SIMT_REDUCE(__reduce_xor_sync, kReduceXor)
#undef SIMT_REDUCE

#define SIMT_ATOMIC(name, expression)                                             \
  template <class T>                                                              \
  T name(T* address, std::common_type_t<T> value, SIMT_SITE) {                    \
    return ::simt::update(address, {file, line},                                  \
                          [value](T old) { return static_cast<T>(expression); }); \
  }
SIMT_ATOMIC(atomicAdd, old + value)
SIMT_ATOMIC(atomicSub, old - value)
SIMT_ATOMIC(atomicMin, old < value ? old : value)
SIMT_ATOMIC(atomicMax, old < value ? value : old)
SIMT_ATOMIC(atomicAnd, old & value)
SIMT_ATOMIC(atomicOr, old | value)
SIMT_ATOMIC(atomicXor, old ^ value)
SIMT_ATOMIC(atomicExch, (static_cast<void>(old), value))
SIMT_ATOMIC(atomicInc, old >= value ? 0 : old + 1)
SIMT_ATOMIC(atomicDec, old == 0 || old > value ? value : old - 1)
#undef SIMT_ATOMIC
template <class T>
T atomicCAS(T* address, std::common_type_t<T> expected, std::common_type_t<T> value, SIMT_SITE) {
  return ::simt::update(address, {file, line}, [expected, value](T old) {
    return old == expected ? value : old;
  });
}

template <class T>
T __ldg(const T* address) { return *address; }
template <class T>
T __ldcg(const T* address) { return *address; }

inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(static_cast<unsigned>(v)); }
inline int __clzll(long long v) {
  return v == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(v));
}
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
inline unsigned __float_as_uint(float v) { return static_cast<unsigned>(::simt::to_bits(v)); }
inline float __uint_as_float(unsigned v) { return ::simt::from_bits<float>(v); }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline unsigned __sad(int a, int b, unsigned c) {
  const unsigned difference = static_cast<unsigned>(a) - static_cast<unsigned>(b);
  return (a < b ? 0u - difference : difference) + c;
}
inline unsigned __vabsdiffu4(unsigned a, unsigned b) {
  unsigned result = 0;
  for (int byte = 0; byte < 32; byte += 8) {
    const int difference = static_cast<int>(a >> byte & 255u) - static_cast<int>(b >> byte & 255u);
    result |= static_cast<unsigned>(difference < 0 ? -difference : difference) << byte;
  }
  return result;
}
inline unsigned __vsadu4(unsigned a, unsigned b) {
  const unsigned d = __vabsdiffu4(a, b);
  return (d & 255u) + (d >> 8 & 255u) + (d >> 16 & 255u) + (d >> 24);
}

inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  const unsigned long long bytes = static_cast<unsigned long long>(b) << 32 | a;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    result |= static_cast<unsigned>(bytes >> (8 * (selector >> (4 * i) & 7u)) & 255u) << (8 * i);
  }
  return result;
}

using std::max;
using std::min;
