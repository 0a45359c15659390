/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Rows copied in the widest units that their addresses allow.

#include <stdint.h>

namespace medpruner::cuda {

struct alignas(16) Unit16 {
  uint64_t low, high;
};

/** All threads of the block: `bytes` bytes, a multiple of the unit. */
template <class Unit>
__device__ inline void copy_row(void* to, const void* from, int64_t bytes) {
  const Unit* source = static_cast<const Unit*>(from);
  Unit* target = static_cast<Unit*>(to);
  const int64_t units = bytes / static_cast<int64_t>(sizeof(Unit));
  for (int64_t u = threadIdx.x; u < units; u += blockDim.x) {
    target[u] = source[u];
  }
}

/** Everything rows' addresses are made of, in bytes: its lowest set bit is the widest unit possible. */
inline uint64_t row_alignment(const void* to, int64_t to_stride, const void* from,
                              int64_t from_stride, int64_t row_bytes) {
  return reinterpret_cast<uint64_t>(to) | static_cast<uint64_t>(to_stride) |
         reinterpret_cast<uint64_t>(from) | static_cast<uint64_t>(from_stride) |
         static_cast<uint64_t>(row_bytes);
}

}  // namespace medpruner::cuda
