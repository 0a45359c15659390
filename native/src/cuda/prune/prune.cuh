/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stage 2 behind the selection: K4's plan with the union of the flags and the packed rows counted; K4's
// assignment beside the copying of nucleus rows from the features to their places; the targets beside the
// others. Each of these launches begins early, and waits for the former one before it reads what any of them wrote.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "cuda/common/dependent.cuh"
#include "cuda/common/units.cuh"
#include "cuda/contextual_merge/assign.cuh"
#include "cuda/contextual_merge/steps.cuh"
#include "cuda/contextual_merge/targets.cuh"
#include "cuda/gather_rows/scan.cuh"

namespace medpruner::cuda {

/** What the steps leave to each other. */
struct PruneWorkspace {
  int64_t* patch_offsets;   // [segments + 1] with query
  uint32_t* mass_flags;     // [segments] with query, else null
  uint8_t* nucleus;         // [rows]
  int64_t* kept;            // [rows]: of the nucleus; then of all kept rows, targets as ~row
  int64_t* counts;          // [segments]: as kept; then of the packed rows
  uint32_t* nucleus_flags;  // [segments]
  MergeWorkspace merge;
};

/**
 * One block per segment: the offsets over the patches; a segment that does not fill its grid, which
 * attention_mass skips, gets NaN masses, so that it is kept whole.
 */
__global__ void prune_patches(PruneArgs args, PruneWorkspace workspace) {
  const int64_t rows = args.merge.rows;
  const int64_t* offsets = args.merge.offsets;
  const int64_t pool = args.attention.pool;
  const int64_t g = blockIdx.x;
  for (int64_t i = g + threadIdx.x; i <= g + 1 && i <= args.merge.segments; i += blockDim.x) {
    if (i == g || i == args.merge.segments) {
      workspace.patch_offsets[i] =
          offsets[i] >= 0 && offsets[i] <= rows ? offsets[i] * pool : -1;
    }
  }
  int64_t begin = 0;
  int64_t end = 0;
  if (!args.attention.grid || !segment_of(offsets, g, rows, &begin, &end) ||
      (end - begin) * pool == args.attention.grid_h * args.attention.grid_w) {
    return;
  }
  for (int64_t row = begin + threadIdx.x; row < end; row += blockDim.x) {
    args.mass[row] = bits_to_float(kNanF32);
    for (int64_t c = 0; c < args.merge.dim; ++c) {
      args.pooled_keys[row * args.merge.dim + c] = 0;
    }
  }
}

/** One block per segment; after the selection. */
__global__ void prune_plan(PruneArgs args, PruneWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  int64_t begin = 0;
  int64_t end = 0;
  const bool good = segment_of(args.merge.offsets, g, args.merge.rows, &begin, &end);
  const bool whole = args.segment_kept == nullptr || args.segment_kept[g] != 0;
  await_former_launch();
  admit_next_launch();
  const uint32_t flags = workspace.nucleus_flags[g] |
                         (workspace.mass_flags != nullptr ? workspace.mass_flags[g] : 0);
  MergePlan plan = {};
  int64_t packed = 0;
  if (good) {
    const int64_t n = end - begin;
    const int64_t leading = whole || args.dropped_tokens > n ? n : args.dropped_tokens;
    packed =
        plan_segment<true>(args.merge, workspace.merge, begin, end, leading, &plan, scratch);
  }
  if (threadIdx.x == 0) {
    workspace.merge.plans[g] = plan;
    workspace.counts[g] = packed;
    args.flags[g] = flags;
  }
}

/**
 * One block of kScanThreads; after prune_plan. For calls of more segments than prune_copy looks through by
 * itself.
 */
__global__ void __launch_bounds__(kScanThreads) prune_offsets(PruneArgs args, PruneWorkspace workspace) {
  __shared__ int64_t scratch[kScratch];
  await_former_launch();
  admit_next_launch();
  scan_rows(
      args.merge.segments, args.capacity, args.packed_offsets,
      [&](int64_t g, uint32_t*) { return workspace.counts[g]; },
      [&](int64_t g, uint32_t flags) { args.flags[g] |= flags; }, scratch);
}

/**
 * Packed rows [begin, end) of a segment but the targets, spread over `blocks` blocks of which this counts as
 * number `block`; the segment's first row is number `first` of all.
 */
template <class Unit>
__device__ inline void copy_packed(const PruneArgs& args, const PruneWorkspace& workspace,
                                   const MergePlan& plan, uint32_t block, uint32_t blocks,
                                   int64_t first, int64_t begin, int64_t end, int64_t row_units,
                                   bool once) {
  const int64_t room = args.capacity - first;
  const int64_t* kept = workspace.kept + plan.begin;
  const char* features = static_cast<const char*>(args.merge.features);
  const int64_t stride = args.merge.feature_stride * (args.merge.dtype == DType::kF32 ? 4 : 2);
  for_each_row(
      block, blocks, begin, end < room ? end : room,
      [&](int64_t i) {
        const int64_t row = kept[i];
        args.packed_rows[first + i] = row < 0 ? ~row : row;
        return row;
      },
      [&](int64_t i, int64_t row) {
        if (row >= 0) {
          copy_row(static_cast<Unit*>(args.packed) + (first + i) * row_units,
                   reinterpret_cast<const Unit*>(features + row * stride), row_units, once);
        }
      });
}

/**
 * Grid (segments, blocks per segment) of kRowThreads; after prune_plan, and prune_offsets unless `few`
 * segments. A segment's tasks are its tiles of tokens to assign, which the copying of the nucleus rows hides,
 * then the first of its packed rows, a warp each.
 */
template <class Unit>
__global__ void __launch_bounds__(kRowThreads, kRowBlocks)
    prune_copy(PruneArgs args, PruneWorkspace workspace, int64_t row_units, bool few, bool once) {
  __shared__ AssignTile tile;
  const int64_t g = blockIdx.x;
  await_former_launch();
  admit_next_launch();
  const MergePlan plan = workspace.merge.plans[g];
  const uint32_t tiles = assign_tiles(plan);
  uint32_t task = blockIdx.y;
  for (; task < tiles; task += gridDim.y) {
    assign_tile(args.merge, workspace.merge, plan, task * kTileTokens, &args.flags[g], tile);
  }
  const int64_t packed = workspace.counts[g];
  const int64_t first =
      few ? rows_before(g, [&](int64_t h) { return workspace.counts[h]; }) : args.packed_offsets[g];
  if (few && blockIdx.y == 0 && threadIdx.x == 0) {
    put_offset(g, args.merge.segments, first, packed, args.capacity, args.packed_offsets,
               args.flags);
  }
  copy_packed<Unit>(args, workspace, plan, task - tiles, gridDim.y, first, 0, copied_early(packed),
                    row_units, once);
}

/**
 * Grid (segments, blocks per segment) of at most kTargetThreads; after prune_copy. By turns a block has a part of
 * a target and some of the rows that prune_copy left.
 */
template <class T, class Unit>
__global__ void __launch_bounds__(kTargetThreads, kTargetBlocks)
    prune_targets(PruneArgs args, PruneWorkspace workspace, uint32_t row_units, uint32_t parts,
                  bool once) {
  __shared__ TargetMembers members;
  const int64_t g = blockIdx.x;
  const Turns turns;
  await_former_launch();
  const MergePlan plan = workspace.merge.plans[g];
  const int64_t first = args.packed_offsets[g];
  const int64_t packed = workspace.counts[g];
  if (turns.copies) {
    copy_packed<Unit>(args, workspace, plan, turns.number, turns.copying, first,
                      copied_early(packed), packed, row_units, once);
  }
  if (!turns.merges) {
    return;
  }
  for (uint64_t task = turns.number; task < uint64_t{plan.targets} * parts; task += turns.merging) {
    const uint32_t t = static_cast<uint32_t>(task / parts);
    const int64_t rank = int64_t{t} * plan.step;
    const int64_t row = workspace.merge.rest[plan.begin + rank];
    // All rows before it are kept but the merged ones. Below 0: segments overlap.
    const int64_t i = row - plan.begin - rank + t;
    if (i < 0 || i >= packed || first + i >= args.capacity) {
      return;
    }
    write_target<T, Unit>(args.merge, workspace.merge, plan, t, static_cast<uint32_t>(task % parts),
                          row, static_cast<T*>(args.packed) + (first + i) * args.merge.channels,
                          row_units, members);
  }
}

}  // namespace medpruner::cuda
