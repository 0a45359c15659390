/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stands in for src/cuda/common/bulk.cuh: a copy is made of cp_async's, which come where the block waits for them, and a
// wait is a barrier of the block, since it is by the barrier alone that others may read what one thread has copied.

#include "cuda_mma.hpp"

namespace medpruner::cuda {

inline bool elected() { return threadIdx.x % 32 == 0; }

class Arrivals {
 public:
  explicit Arrivals(uint64_t*) {}
  void begin() {}
  void expect(uint32_t) {}
  void copy(void* shared, const void* global, int bytes, SIMT_SITE) {
    for (int at = 0; at < bytes; at += 16) {
      ::simt::copy_async(static_cast<char*>(shared) + at, static_cast<const char*>(global) + at, 16, 16, {file, line});
    }
  }
  template <int kLater>
  void wait(int, SIMT_SITE) {
    ::simt::wait_for_copies(kLater, {file, line});
    ::simt::block_barrier(::simt::Vote::kNone, 0, {file, line});
  }
};

}  // namespace medpruner::cuda
