/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// How many blocks K4's launches get. The host knows the extents alone, so these are for segments of average
// length; no result depends on them.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/common/units.cuh"
#include "cuda/contextual_merge/targets.cuh"

namespace medpruner::cuda {

inline int plan_threads(const ContextualMergeArgs& args) {
  return args.rows / args.segments <= kLongPlanThreads ? kPlanThreads : kLongPlanThreads;
}

inline int64_t feature_bytes(const ContextualMergeArgs& args) { return args.dtype == DType::kF32 ? 4 : 2; }

/** Whether the features of a call are read as reads_once() says. */
inline bool reads_features_once(const ContextualMergeArgs& args) {
  return reads_once(args.rows, args.channels * feature_bytes(args));
}

/**
 * Blocks of the targets of rows of so many units and of the rows copied beside them, and their threads, with as
 * few idle as can be. A target's row is cut into `parts`, a block each.
 */
struct TargetLaunch {
  dim3 grid;
  unsigned threads;
  unsigned parts;

  TargetLaunch(const ContextualMergeArgs& args, int64_t units, bool copies, int32_t device) {
    constexpr int64_t kMostParts = 65535;
    if (units > kMostParts * kTargetThreads) {
      fail(MEDPRUNER_ERR_UNSUPPORTED, "features: shape[1] is too large for one CUDA call");
    }
    const int64_t targets = target_limit(args.ratio, args.rows / args.segments + 1);
    parts = units > 0 ? static_cast<unsigned>((units - 1) / kTargetThreads + 1) : 1;
    const int64_t width = (units + parts - 1) / parts;
    const int64_t blocks = (targets < 1024 ? targets : 1024) * parts;
    const int64_t rows = copies ? row_blocks(args.rows, args.segments, device) : 1;
    const int64_t most = 2 * (blocks > rows ? blocks : rows);  // by turns
    grid = dim3(grid_extent(args.segments),
                static_cast<unsigned>(most < kMostParts ? most : kMostParts));
    threads = static_cast<unsigned>(width > 0 ? (width + 31) / 32 * 32 : 32);
  }
};

}  // namespace medpruner::cuda
