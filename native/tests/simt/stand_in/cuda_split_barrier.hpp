/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stands in for src/cuda/common/split_barrier.cuh: by the seed, a whole barrier where threads arrive or where they wait.
// What a thread does between the halves is in one interval with what others do before theirs under the one, with what
// they do behind theirs under the other, so a race with either shows.

#include "cuda_device.hpp"

namespace medpruner::cuda {

class SplitBarrier {
 public:
  SplitBarrier(uint64_t*, int) {}
  void arrive(SIMT_SITE) { ::simt::half_barrier(true, {file, line}); }
  void wait(SIMT_SITE) { ::simt::half_barrier(false, {file, line}); }
};

}  // namespace medpruner::cuda
