/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The chain behind the sums of a window: what is left in the workspace for it, the walk over its distances, the list
// of what is kept.

#include <stdint.h>

#include <type_traits>

#include "common/op_args.hpp"
#include "cuda/slice_anchor/chunks.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

/** CUDA's atomics want this one of the two 64-bit types. */
using PeakWord = unsigned long long;

/** Blocks add to one of so many copies of the sums: atomics on one address follow one another. */
constexpr int kExactCopies = 8;

constexpr int kMostPairs = ChunkWindow::kPairs;

struct AnchorState {
  unsigned long long exact[kExactCopies][kMostPairs];  // integers: the sums of the window so far
  PeakWord peaks[kMostPairs];  // with patches: the one that differs most so far
  uint32_t specials;       // bit w: row w of the window, 1 being the first, holds a NaN or infinity
  unsigned finished;       // blocks of the window; of those with chunks, groups
  int32_t anchor;          // row 0 of the next window
};

struct AnchorWorkspace {
  int32_t* start;      // [rows]: first row of the row's segment, -1 outside good segments
  AnchorState* state;  // but for the anchor zero between launches
  // Floats only: sums of the window's pairs by chunk, by group of chunks, and how many chunks of a group are there.
  void* chunks;
  void* groups;
  unsigned* arrived;  // zero between launches; null for integers

  template <class Shape>
  __device__ ChunkSums<Shape::kPairs>* chunks_of() const {
    return static_cast<ChunkSums<Shape::kPairs>*>(chunks);
  }
  template <class Shape>
  __device__ GroupSums<Shape::kPairs>* groups_of() const {
    return static_cast<GroupSums<Shape::kPairs>*>(groups);
  }
};

/** Of a slice. */
MEDPRUNER_HD inline int64_t chunk_count(const SliceAnchorArgs& args) { return (args.cols - 1) / kChunkValues + 1; }

/** All threads of the block: the ascending list of the rows that segment g keeps. */
__device__ inline void list_segment(const SliceAnchorArgs& args, int64_t g, uint64_t* scratch) {
  int64_t begin = 0;
  int64_t end = 0;
  if (!segment_of(args.offsets, g, args.rows, &begin, &end)) {
    if (threadIdx.x == 0) {
      args.kept_counts[g] = -1;
    }
    return;
  }
  int64_t kept = 0;
  for (int64_t base = begin; base < end; base += blockDim.x) {
    const int64_t row = base + threadIdx.x;
    const bool keep = row < end && args.keep[row] != 0;
    uint32_t total = 0;
    const uint32_t rank = block_rank(keep, scratch, &total);
    if (keep) {
      args.kept_indices[begin + kept + rank] = static_cast<int32_t>(row);
    }
    kept += total;
  }
  for (int64_t at = begin + kept + threadIdx.x; at < end; at += blockDim.x) {
    args.kept_indices[at] = -1;
  }
  if (threadIdx.x == 0) {
    args.kept_counts[g] = static_cast<int32_t>(kept);
  }
}

__device__ inline float distance_of(const SliceAnchorArgs& args, double sum, int64_t values) {
  return canonical(static_cast<float>(args.scale * (sum / static_cast<double>(values))));
}

/** What the rows of a window are judged by. */
template <class Shape>
struct Verdicts {
  int32_t start[Shape::kRows + 1];  // of row w: as AnchorWorkspace::start; -1 past the end
  int64_t anchor;          // before the window
  float distances[Shape::kPairs];
  PatchKey peaks[Shape::kPairs];  // with patches
  uint32_t specials;
};

/** Of the row at lane `from` as the anchor: whether it keeps row w of the window, and what that shows. */
struct Verdict {
  float distance, patch;
  int32_t index;
  bool abnormal, keep;
};

template <class Shape>
__device__ inline Verdict judge(const SliceAnchorArgs& args, const Verdicts<Shape>& by, int from, int w, int64_t gap) {
  Verdict verdict = {by.distances[pair(from, w)], 0, -1, false, false};
  if (args.with_patches) {
    verdict.patch = patch_distance(by.peaks[pair(from, w)]);
    verdict.index = patch_index(by.peaks[pair(from, w)]);
  }
  verdict.abnormal = non_finite(verdict.distance) || non_finite(verdict.patch);
  verdict.keep = verdict.abnormal || verdict.distance > args.gamma || (args.max_gap > 0 && gap >= args.max_gap) ||
                 (args.with_patches && verdict.patch > args.patch_gamma);
  return verdict;
}

/**
 * One warp: judges the rows of the window; the anchor for the next one, or that one's first row. A lane finds what its
 * row would keep as the anchor, so that the walk itself takes an exchange for each row kept, and then writes its row's
 * results.
 */
template <class Shape>
__device__ inline int64_t walk_window(const SliceAnchorArgs& args, int64_t first, const Verdicts<Shape>& by) {
  static_assert(Shape::kRows <= 32, "a lane for each");
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const auto row_at = [&](int w) { return w == 0 ? by.anchor : first + w - 1; };
  uint32_t would_keep = 0;
#pragma unroll
  for (int w = 1; w < Shape::kRows; ++w) {
    if (w > lane && by.start[w] >= 0) {
      const bool keep = by.start[w] == row_at(w) || judge(args, by, lane, w, row_at(w) - row_at(lane)).keep;
      would_keep |= keep ? 1u << w : 0u;
    }
  }
  uint32_t kept = 1;  // the anchor before the window
  for (uint32_t next = __shfl_sync(kAllLanes, would_keep, 0); next != 0;) {
    const int w = __ffs(static_cast<int>(next)) - 1;
    kept |= 1u << w;
    next = __shfl_sync(kAllLanes, would_keep, w);
  }
  if (lane > 0 && lane < Shape::kRows && by.start[lane] >= 0) {
    const int64_t row = row_at(lane);
    const bool keep = (kept >> lane & 1u) != 0;
    const int from = 31 - __clz(static_cast<int>(kept & ((1u << lane) - 1u)));
    const bool begins = by.start[lane] == row;
    const Verdict verdict = begins ? Verdict{0, 0, -1, (by.specials >> lane & 1u) != 0, true}
                                   : judge(args, by, from, lane, 0);
    args.keep[row] = keep ? 1 : 0;
    args.representative[row] = static_cast<int32_t>(keep ? row : row_at(from));
    if (!args.decide_only) {
      args.distance[row] = verdict.distance;
      args.flags[row] = verdict.abnormal ? MEDPRUNER_SEGMENT_NON_FINITE : 0;
      if (args.with_patches) {
        args.patch_distance[row] = verdict.patch;
        args.patch_index[row] = verdict.index;
      }
    }
  }
  const int64_t next = first + Shape::kWindow;
  return by.start[Shape::kRows] >= 0 && by.start[Shape::kRows] < next ? row_at(31 - __clz(static_cast<int>(kept)))
                                                                     : next;
}

/** The rows of the window that begins at `first`, before the anchor is known. */
template <class T, class Shape>
__device__ inline WindowRows<T> window_rows(const SliceAnchorArgs& args, int64_t first) {
  WindowRows<T> rows;
  rows.stride = args.row_stride;
  rows.begin = static_cast<const T*>(args.slices) + first * args.row_stride;
  rows.anchor = rows.begin;
  rows.last = static_cast<int>(args.rows - first < Shape::kWindow ? args.rows - first : Shape::kWindow) - 1;
  return rows;
}

/** All threads: the rows' starts. */
template <class Shape>
__device__ inline void load_starts(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                   int64_t first, int64_t anchor, Verdicts<Shape>* by) {
  const int w = static_cast<int>(threadIdx.x);
  if (w == 0) {
    by->anchor = anchor;
  } else if (w <= Shape::kRows) {
    const int64_t row = first + w - 1;
    by->start[w] = row < args.rows ? __ldcg(&workspace.start[row]) : -1;
  }
}

}  // namespace medpruner::cuda
