/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The instructions of sm_80 and later that CUDA C++ has no operator for: matrix products of a warp, the
// loads of their operands, asynchronous copies. Kernels issue them through these functions alone, so that
// a build by something else than nvcc can put a stand-in of the same names in their place. All lanes of a
// warp call mma_m16n8k16 and ldmatrix_x4 together.

#include <math.h>
#include <stdint.h>

#include "common/dtype.hpp"

#if !defined(__CUDACC__)
#include "cuda_mma.hpp"
#else

namespace medpruner::cuda {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define MEDPRUNER_SM80(...) __trap()  // the host launches no kernel that comes here
#else
#define MEDPRUNER_SM80(...) asm volatile(__VA_ARGS__)
#endif

/**
 * c += a * b with a 16 x 16 in rows, b 16 x 8 in columns, c 16 x 8 of f32. With group = lane / 4 and
 * pair = lane % 4 * 2, a lane holds, two components in a register, the lower one in the lower half:
 *   a[0], a[1]: rows group, group + 8, components pair, pair + 1;  a[2], a[3]: components 8 later
 *   b0, b1:     column group, components pair, pair + 1; and 8 later
 *   c[0], c[1]: row group, columns pair, pair + 1;  c[2], c[3]: row group + 8
 */
__device__ inline void mma_m16n8k16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0,
                                    uint32_t b1, Half) {
  MEDPRUNER_SM80(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ inline void mma_m16n8k16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0,
                                    uint32_t b1, BFloat) {
  MEDPRUNER_SM80(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/**
 * Four 8 x 8 matrices of 16-bit values from shared memory: lane l gives the address of row l % 8 of matrix
 * l / 8, 16 bytes aligned to 16, and receives values 2 * (l % 4) and the next of row l / 4 of each matrix.
 */
__device__ inline void ldmatrix_x4(uint32_t (&values)[4], const void* row) {
  MEDPRUNER_SM80("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(values[0]), "=r"(values[1]), "=r"(values[2]), "=r"(values[3])
                 : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
                 : "memory");
}

template <int kWidth>
struct alignas(kWidth) CopyUnit {
  uint32_t words[kWidth / 4];
};

/**
 * Starts a copy of `bytes` <= kWidth bytes from global to shared memory, zeros in the rest of kWidth;
 * kWidth is 4, 8 or 16 and both addresses are multiples of it. Nothing beyond `bytes` is read. The data
 * are there for this thread after cp_async_wait, for others after a barrier behind that. Before sm_80 the
 * thread copies at once.
 */
template <int kWidth>
__device__ inline void cp_async(void* shared, const void* global, int bytes) {
  static_assert(kWidth == 4 || kWidth == 8 || kWidth == 16, "as the instruction");
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
  CopyUnit<kWidth> unit = {};
  if (bytes == kWidth) {
    unit = *static_cast<const CopyUnit<kWidth>*>(global);
  } else {
#pragma unroll
    for (int i = 0; i < kWidth; ++i) {
      const uint32_t byte = i < bytes ? static_cast<const uint8_t*>(global)[i] : 0;
      unit.words[i / 4] |= byte << 8 * (i % 4);
    }
  }
  *static_cast<CopyUnit<kWidth>*>(shared) = unit;
#else
  const uint32_t to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  if constexpr (kWidth == 16) {  // past L1: what streams by is read once per block
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global),
                 "r"(bytes)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;" ::"r"(to), "l"(global),
                 "r"(bytes), "n"(kWidth)
                 : "memory");
  }
#endif
}

/** Ends a group of copies, which may be empty. */
__device__ inline void cp_async_commit() {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/** Waits for this thread's groups but the last kGroups. */
template <int kGroups>
__device__ inline void cp_async_wait() {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroups) : "memory");
#endif
}

/** 2^x within 2^-22 relative; 0 below 2^-126. */
__device__ inline float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

#undef MEDPRUNER_SM80

}  // namespace medpruner::cuda

#endif  // __CUDACC__
