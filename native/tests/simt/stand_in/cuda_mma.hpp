/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stands in for what src/cuda/common/mma.cuh issues by PTX: same names, same meaning, every access
// checked. Sites are those of the kernel.

#include "cuda_device.hpp"

namespace medpruner::cuda {

inline void mma_m16n8k16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Half,
                         SIMT_SITE) {
  ::simt::warp_mma(::simt::Collective::kMmaF16, c, a, b0, b1, {file, line});
}
inline void mma_m16n8k16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, BFloat,
                         SIMT_SITE) {
  ::simt::warp_mma(::simt::Collective::kMmaBF16, c, a, b0, b1, {file, line});
}

inline void ldmatrix_x4(uint32_t (&values)[4], const void* row, SIMT_SITE) {
  ::simt::warp_load_matrices(values, row, {file, line});
}

template <int kWidth>
void cp_async(void* shared, const void* global, int bytes, SIMT_SITE) {
  static_assert(kWidth == 4 || kWidth == 8 || kWidth == 16, "as the instruction");
  ::simt::copy_async(shared, global, kWidth, bytes, {file, line});
}

inline void cp_async_commit() { ::simt::commit_copies(); }

template <int kGroups>
void cp_async_wait(SIMT_SITE) {
  ::simt::wait_for_copies(kGroups, {file, line});
}

inline float exp2_approx(float x) { return x < -126.0f ? 0.0f : exp2f(x); }

}  // namespace medpruner::cuda
