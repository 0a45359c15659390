/* SPDX-License-Identifier: Apache-2.0 */
// K4 on the CPU: targets, similarities (one fused chain per pair, vectorised over the targets, so every
// chain keeps its order), then a merge in ascending token order.

#include <math.h>
#include <string.h>

#include "common/status.hpp"
#include "common/visit.hpp"
#include "cpu/backend.hpp"
#include "cpu/contextual_merge/steps.hpp"
#include "cpu/isa.hpp"
#include "cpu/pool.hpp"
#include "medpruner/contextual_merge.h"

namespace medpruner::cpu {
namespace {

constexpr int kLanes = 16;             // targets per tile
constexpr int kTokens = 4;             // tokens whose chains run side by side: hides the fma's latency
constexpr int64_t kColumnBlock = 512;  // channels summed at a time, on the stack
constexpr int64_t kRowsPerTask = 256;  // some 20 us of similarities with 12 targets

MEDPRUNER_BODY void squares_body(const float* const* keys, int64_t dim, float* result) {
  float sums[kTokens] = {};
  for (int64_t c = 0; c < dim; ++c) {
    for (int t = 0; t < kTokens; ++t) {
      sums[t] = fmaf(keys[t][c], keys[t][c], sums[t]);
    }
  }
  memcpy(result, sums, sizeof sums);
}
/** |k|^2 of kTokens keys. */
MEDPRUNER_TIERS(void, squares, squares_body, (const float* const* keys, int64_t dim, float* result),
                (keys, dim, result))

MEDPRUNER_BODY void tile_squares_body(const float* tile, int64_t dim, float* result) {
  float sums[kLanes] = {};
  for (int64_t c = 0; c < dim; ++c) {
    for (int l = 0; l < kLanes; ++l) {
      sums[l] = fmaf(tile[c * kLanes + l], tile[c * kLanes + l], sums[l]);
    }
  }
  memcpy(result, sums, sizeof sums);
}
MEDPRUNER_TIERS(void, tile_squares, tile_squares_body,
                (const float* tile, int64_t dim, float* result), (tile, dim, result))

MEDPRUNER_BODY void dots_body(const float* const* keys, const float* tile, int64_t dim,
                              float* dots) {
  float sums[kTokens][kLanes] = {};
  for (int64_t c = 0; c < dim; ++c) {
    for (int t = 0; t < kTokens; ++t) {
      const float value = keys[t][c];
      for (int l = 0; l < kLanes; ++l) {
        sums[t][l] = fmaf(value, tile[c * kLanes + l], sums[t][l]);
      }
    }
  }
  memcpy(dots, sums, sizeof sums);
}
/** Dot products [kTokens][kLanes] of kTokens keys with a tile of targets. */
MEDPRUNER_TIERS(void, tile_dots, dots_body,
                (const float* const* keys, const float* tile, int64_t dim, float* dots),
                (keys, tile, dim, dots))

template <class T>
MEDPRUNER_BODY void add_body(const T* row, int64_t width, float* sums) {
  for (int64_t c = 0; c < width; ++c) {
    sums[c] += to_float(row[c]);
  }
}

template <class T>
MEDPRUNER_BODY void finish_body(const T* own, const float* sums, float count, int64_t width,
                                T* out) {
#pragma GCC ivdep  // out may be own itself, never shifted against it
  for (int64_t c = 0; c < width; ++c) {
    from_float(to_float(own[c]) + sums[c] / count, &out[c]);
  }
}

#define MEDPRUNER_MERGE_TIERS(type)                                                             \
  MEDPRUNER_TIERS(void, add_##type, add_body, (const type* row, int64_t width, float* sums),    \
                  (row, width, sums))                                                           \
  MEDPRUNER_TIERS(void, finish_##type, finish_body,                                             \
                  (const type* own, const float* sums, float count, int64_t width, type* out),  \
                  (own, sums, count, width, out))                                               \
  inline void add_row(const type* row, int64_t width, float* sums) {                            \
    add_##type(row, width, sums);                                                               \
  }                                                                                             \
  inline void finish_row(const type* own, const float* sums, float count, int64_t width,        \
                         type* out) {                                                           \
    finish_##type(own, sums, count, width, out);                                                \
  }

MEDPRUNER_MERGE_TIERS(float)
MEDPRUNER_MERGE_TIERS(Half)
MEDPRUNER_MERGE_TIERS(BFloat)

float inverse_norm(float squared) {
  return non_finite(squared) || squared < 1e-24f ? 0.0f : 1.0f / sqrtf(squared);
}

}  // namespace

MergeSteps::MergeSteps(const ContextualMergeArgs& args, WorkspaceLayout& layout) : args_(args) {
  // A segment of n tokens has at most max(ratio * n, 1) targets, in tiles that are not shared.
  int64_t tiles = 0;
  int64_t lanes = 0;
  int64_t floats = 0;
  overflow_ = __builtin_add_overflow(target_limit(args.ratio, args.rows) / kLanes + 1,
                                     args.segments, &tiles) ||
              __builtin_add_overflow(tiles, args.segments / kLanes + 1, &tiles) ||
              __builtin_mul_overflow(tiles, int64_t{kLanes}, &lanes) ||
              __builtin_mul_overflow(lanes, args.dim, &floats);
  if (args.features != nullptr) {
    visit_float(args.dtype, [&](auto stored) { write_ = &MergeSteps::write<decltype(stored)>; });
  }
  first_tile_ = layout.take<int64_t>(args.segments + 1);
  targets_ = layout.take<int64_t>(overflow_ ? 0 : lanes);
  inverse_ = layout.take<float>(overflow_ ? 0 : lanes);
  tiles_ = layout.take<float>(overflow_ ? 0 : floats);
  next_ = layout.take<int64_t>(args.rows);
  overflow_ = overflow_ || layout.overflow();
}

void MergeSteps::assign() const {
  if (args_.segments == 0) {
    return;
  }
  first_tile_[0] = 0;
  for (int64_t g = 0; g < args_.segments; ++g) {
    const int64_t n = args_.offsets[g + 1] - args_.offsets[g];
    const int64_t tiles = n == 0 ? 0 : (target_limit(args_.ratio, n) + kLanes - 1) / kLanes;
    first_tile_[g + 1] = first_tile_[g] + tiles;
  }
  for_each_segment(args_, [&](int64_t g) { list(g); });
  parallel_for((args_.rows + kRowsPerTask - 1) / kRowsPerTask, threads(), [&](int64_t task, int) {
    const int64_t end = (task + 1) * kRowsPerTask;
    nearest(task * kRowsPerTask, end < args_.rows ? end : args_.rows);
  });
  for_each_segment(args_, [&](int64_t g) { chain(g); });
}

/** Roles, the nucleus's and the targets' assignment, and the tiles of the targets. */
void MergeSteps::list(int64_t g) const {
  const int64_t begin = args_.offsets[g];
  const int64_t end = args_.offsets[g + 1];
  args_.flags[g] = 0;
  int64_t rest = 0;
  for (int64_t i = begin; i < end; ++i) {
    rest += args_.nucleus[i] == 0 ? 1 : 0;
  }
  const TargetPlan plan = TargetPlan::of(args_.ratio, end - begin, rest);
  const int64_t dim = args_.dim;
  int64_t* const targets = targets_ + first_tile_[g] * kLanes;
  float* const tiles = tiles_ + first_tile_[g] * kLanes * dim;
  const int64_t lanes = (first_tile_[g + 1] - first_tile_[g]) * kLanes;
  int64_t count = 0;
  int64_t rank = 0;
  for (int64_t i = begin; i < end; ++i) {
    uint8_t role = MEDPRUNER_ROLE_NUCLEUS;
    if (args_.nucleus[i] == 0) {
      const bool target = count < plan.count && rank == count * plan.step;
      role = target ? MEDPRUNER_ROLE_TARGET : MEDPRUNER_ROLE_MERGED;
      if (target) {
        targets[count++] = i;
      }
      ++rank;
    }
    args_.role[i] = role;
    args_.assignment[i] = i;
  }
  for (int64_t t = 0; t < lanes; ++t) {
    // Unused lanes: defined, never compared.
    targets[t] = t < count ? targets[t] : -1;
    const float* key = t < count ? args_.keys + targets[t] * args_.key_stride : nullptr;
    float* lane = tiles + t / kLanes * kLanes * dim + t % kLanes;
    for (int64_t c = 0; c < dim; ++c) {
      lane[c * kLanes] = t < count ? key[c] : 0;
    }
  }
  for (int64_t t = 0; t < lanes; t += kLanes) {
    float squared[kLanes];
    tile_squares(tiles + t * dim, dim, squared);
    for (int l = 0; l < kLanes; ++l) {
      const float inverse = inverse_norm(squared[l]);
      inverse_[first_tile_[g] * kLanes + t + l] = inverse;
      if (t + l < count && inverse == 0) {
        args_.flags[g] = MEDPRUNER_SEGMENT_ZERO_KEY;
      }
    }
  }
}

/** Assigns the merged rows in [begin, end), which may lie in several segments. */
void MergeSteps::nearest(int64_t begin, int64_t end) const {
  int64_t rows[kRowsPerTask];
  for (int64_t g = segment_holding(args_.offsets, args_.segments, begin); begin < end; ++g) {
    const int64_t last = args_.offsets[g + 1] < end ? args_.offsets[g + 1] : end;
    int count = 0;
    for (int64_t i = begin; i < last; ++i) {
      if (args_.role[i] == MEDPRUNER_ROLE_MERGED) {
        rows[count++] = i;
      }
    }
    nearest_in_segment(g, rows, count);
    begin = last > begin ? last : begin;
  }
}

void MergeSteps::nearest_in_segment(int64_t g, const int64_t* rows, int count) const {
  const int64_t dim = args_.dim;
  bool zero_key = false;
  for (int at = 0; at < count; at += kTokens) {
    const float* keys[kTokens];
    for (int t = 0; t < kTokens; ++t) {  // the last ones are done twice, into the same places
      keys[t] = args_.keys + rows[at + t < count ? at + t : count - 1] * args_.key_stride;
    }
    float own[kTokens];
    squares(keys, dim, own);
    float highest[kTokens];
    int64_t best[kTokens];
    for (int t = 0; t < kTokens; ++t) {
      own[t] = inverse_norm(own[t]);
      zero_key |= own[t] == 0;
      highest[t] = -INFINITY;
      best[t] = targets_[first_tile_[g] * kLanes];
    }
    for (int64_t tile = first_tile_[g]; tile < first_tile_[g + 1]; ++tile) {
      float dots[kTokens][kLanes];
      tile_dots(keys, tiles_ + tile * kLanes * dim, dim, dots[0]);
      for (int t = 0; t < kTokens; ++t) {
        for (int l = 0; l < kLanes && targets_[tile * kLanes + l] >= 0; ++l) {
          const float other = inverse_[tile * kLanes + l];
          const float similarity = own[t] == 0 || other == 0 ? 0.0f : (dots[t][l] * own[t]) * other;
          if (similarity > highest[t]) {
            highest[t] = similarity;
            best[t] = targets_[tile * kLanes + l];
          }
        }
      }
    }
    for (int t = 0; t < kTokens && at + t < count; ++t) {
      args_.assignment[rows[at + t]] = best[t];
    }
  }
  if (zero_key) {  // other tasks may hold rows of this segment
    __atomic_fetch_or(&args_.flags[g], static_cast<uint32_t>(MEDPRUNER_SEGMENT_ZERO_KEY),
                      __ATOMIC_RELAXED);
  }
}

void MergeSteps::chain(int64_t g) const {
  for (int64_t i = args_.offsets[g]; i < args_.offsets[g + 1]; ++i) {
    next_[i] = -1;
  }
  for (int64_t i = args_.offsets[g + 1] - 1; i >= args_.offsets[g]; --i) {
    if (args_.role[i] == MEDPRUNER_ROLE_MERGED) {
      const int64_t target = args_.assignment[i];
      next_[i] = next_[target];
      next_[target] = i;
    }
  }
}

bool MergeSteps::gained(int64_t row) const {
  return args_.role[row] == MEDPRUNER_ROLE_TARGET && next_[row] >= 0;
}

int64_t MergeSteps::list_kept(int64_t begin, int64_t end, int64_t* list) const {
  int64_t kept = 0;
  for (int64_t i = begin; i < end; ++i) {
    if (args_.role[i] != MEDPRUNER_ROLE_MERGED) {
      list[kept++] = i;
    }
  }
  return kept;
}

template <class T>
void MergeSteps::write_merged(int64_t row, T* out) const {
  const T* features = static_cast<const T*>(args_.features);
  float sums[kColumnBlock];
  for (int64_t column = 0; column < args_.channels; column += kColumnBlock) {
    const int64_t left = args_.channels - column;
    const int64_t width = left < kColumnBlock ? left : kColumnBlock;
    memset(sums, 0, sizeof sums);
    int64_t count = 0;
    for (int64_t member = next_[row]; member >= 0; member = next_[member], ++count) {
      add_row(features + member * args_.feature_stride + column, width, sums);
    }
    finish_row(features + row * args_.feature_stride + column, sums, static_cast<float>(count),
               width, out + column);
  }
}

template <class T>
void MergeSteps::write(int64_t row, void* out) const {
  T* const to = static_cast<T*>(out);
  if (gained(row)) {
    return write_merged(row, to);
  }
  const T* source = static_cast<const T*>(args_.features) + row * args_.feature_stride;
  if (source != to && args_.channels > 0) {
    memcpy(to, source, static_cast<size_t>(args_.channels) * sizeof(T));
  }
}

size_t contextual_merge_workspace(const ContextualMergeArgs& args) {
  WorkspaceLayout layout(nullptr);
  const MergeSteps steps(args, layout);
  if (steps.overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "keys: its size overflows 64 bits");
  }
  return layout.size();
}

void contextual_merge(const ContextualMergeArgs& args) {
  WorkspaceLayout layout(args.workspace);
  const MergeSteps steps(args, layout);
  steps.assign();
  for_each_segment(args, [&](int64_t g) {
    const int64_t begin = args.offsets[g];
    const int64_t end = args.offsets[g + 1];
    const int64_t kept = steps.list_kept(begin, end, args.kept_indices + begin);
    for (int64_t i = begin + kept; i < end; ++i) {
      args.kept_indices[i] = -1;
    }
    args.kept_counts[g] = kept;
  });
  if (args.merged == nullptr) {
    return;
  }
  const int64_t element = args.dtype == DType::kF32 ? 4 : 2;
  const bool in_place = args.features == args.merged;
  const int64_t width = rows_per_task(args.channels * element);
  parallel_for((args.rows + width - 1) / width, threads(), [&](int64_t task, int) {
    const int64_t end = (task + 1) * width < args.rows ? (task + 1) * width : args.rows;
    for (int64_t i = task * width; i < end; ++i) {
      if (!in_place || steps.gained(i)) {
        steps.write_row(i, static_cast<char*>(args.merged) + i * args.merged_stride * element);
      }
    }
  });
}

}  // namespace medpruner::cpu
