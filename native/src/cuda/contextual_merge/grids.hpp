/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// How many blocks K4's launches get. The host knows the extents alone, so these are for segments of average
// length; no result depends on them.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/contextual_merge/targets.cuh"

namespace medpruner::cuda {

inline int plan_threads(const ContextualMergeArgs& args) {
  return args.rows / args.segments <= kLongPlanThreads ? kPlanThreads : kLongPlanThreads;
}

/** Blocks of the targets of rows of so many units, and their threads, with as few idle as can be. */
struct TargetLaunch {
  dim3 grid;
  unsigned threads;

  TargetLaunch(const ContextualMergeArgs& args, int64_t units) {
    constexpr int64_t kMostParts = 65535;
    if (units > kMostParts * kTargetThreads) {
      fail(MEDPRUNER_ERR_UNSUPPORTED, "features: shape[1] is too large for one CUDA call");
    }
    const int64_t targets = target_limit(args.ratio, args.rows / args.segments + 1);
    const int64_t parts = units > 0 ? (units - 1) / kTargetThreads + 1 : 1;
    const int64_t width = (units + parts - 1) / parts;
    grid = dim3(grid_extent(args.segments), static_cast<unsigned>(targets < 1024 ? targets : 1024),
                static_cast<unsigned>(parts));
    threads = static_cast<unsigned>(width > 0 ? (width + 31) / 32 * 32 : 32);
  }
};

}  // namespace medpruner::cuda
