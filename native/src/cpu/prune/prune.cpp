/* SPDX-License-Identifier: Apache-2.0 */
// Stage 2 on the CPU: the ops' own steps, and one pass over the kept rows, from the features straight to
// their packed place.

#include <inttypes.h>
#include <string.h>

#include "common/status.hpp"
#include "cpu/backend.hpp"
#include "cpu/contextual_merge/steps.hpp"
#include "medpruner/contextual_merge.h"

namespace medpruner::cpu {
namespace {

/** What one step leaves to the next. Outputs are written only once it is known that the rows fit. */
struct Areas {
  int64_t* patch_offsets;
  float* mass;
  float* pooled_keys;
  uint32_t* mass_flags;
  uint8_t* nucleus;
  int64_t* indices;
  int64_t* counts;  // first those of the nuclei, then the packed rows of each segment
  double* kept_mass;
  uint32_t* nucleus_flags;
  WorkspaceLayout layout;
  bool overflow;

  Areas(const PruneArgs& args, void* base) : layout(base) {
    const int64_t rows = args.merge.rows;
    const int64_t segments = args.merge.segments;
    int64_t floats = 0;
    overflow = args.with_query && __builtin_mul_overflow(rows, args.merge.dim, &floats);
    patch_offsets = layout.take<int64_t>(args.with_query ? segments + 1 : 0);
    mass = layout.take<float>(args.with_query ? rows : 0);
    pooled_keys = layout.take<float>(overflow ? 0 : floats);
    mass_flags = layout.take<uint32_t>(args.with_query ? segments : 0);
    nucleus = layout.take<uint8_t>(rows);
    indices = layout.take<int64_t>(rows);
    counts = layout.take<int64_t>(segments);
    kept_mass = layout.take<double>(segments);
    nucleus_flags = layout.take<uint32_t>(segments);
    overflow = overflow || layout.overflow();
  }
};

/** Rows of segment g that are packed, `kept` of whose n rows are in the nucleus. */
int64_t packed_rows(const PruneArgs& args, const uint8_t* nucleus, int64_t g, int64_t kept) {
  const int64_t begin = args.merge.offsets[g];
  const int64_t n = args.merge.offsets[g + 1] - begin;
  const TargetPlan plan = TargetPlan::of(args.merge.ratio, n, n - kept);
  if (args.segment_kept == nullptr || args.segment_kept[g] != 0) {
    return kept + plan.count;
  }
  const int64_t leading = args.dropped_tokens < n ? args.dropped_tokens : n;
  int64_t rest = 0;
  for (int64_t i = begin; i < begin + leading; ++i) {
    rest += nucleus[i] == 0 ? 1 : 0;
  }
  return leading - rest + plan.before(rest);
}

void attend(const PruneArgs& args, const Areas& areas, void* workspace) {
  AttentionMassArgs attention = args.attention;
  for (int64_t g = 0; g <= args.merge.segments; ++g) {
    areas.patch_offsets[g] = args.merge.offsets[g] * attention.pool;
  }
  attention.offsets = areas.patch_offsets;
  attention.mass = areas.mass;
  attention.pooled_keys = areas.pooled_keys;
  attention.flags = areas.mass_flags;
  attention.workspace = workspace;
  attention.workspace_bytes = args.workspace_bytes - areas.layout.size();
  attention_mass(attention);
}

NucleusSelectArgs nucleus_args(const PruneArgs& args, const Areas& areas, void* workspace) {
  NucleusSelectArgs nucleus = args.nucleus;
  nucleus.scores = args.with_query ? areas.mass : args.mass;
  nucleus.mask = areas.nucleus;
  nucleus.kept_indices = areas.indices;
  nucleus.kept_counts = areas.counts;
  nucleus.kept_mass = areas.kept_mass;
  nucleus.flags = areas.nucleus_flags;
  nucleus.workspace = workspace;
  return nucleus;
}

/** The steps' own workspaces lie behind the areas, one over the other. */
size_t largest_workspace(const PruneArgs& args, int workers) {
  WorkspaceLayout merge(nullptr);
  if (MergeSteps(args.merge, merge).overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "pooled_keys: its size overflows 64 bits");
  }
  size_t size = merge.size();
  const size_t nucleus = nucleus_select_workspace(args.nucleus);
  size = size > nucleus ? size : nucleus;
  const size_t attention = args.with_query ? attention_mass_workspace(args.attention, workers) : 0;
  return size > attention ? size : attention;
}

/** Writes the outputs that are one value per row or segment, but for role and assignment. */
void copy_out(const PruneArgs& args, const Areas& areas) {
  const size_t segments = static_cast<size_t>(args.merge.segments);
  const size_t rows = static_cast<size_t>(args.merge.rows);
  if (args.with_query && rows > 0) {
    memcpy(args.mass, areas.mass, rows * sizeof(float));
    memcpy(args.pooled_keys, areas.pooled_keys,
           rows * static_cast<size_t>(args.merge.dim) * sizeof(float));
  }
  if (segments > 0) {
    memcpy(args.nucleus.kept_mass, areas.kept_mass, segments * sizeof(double));
  }
  args.packed_offsets[0] = 0;
  for (size_t g = 0; g < segments; ++g) {
    args.packed_offsets[g + 1] = args.packed_offsets[g] + areas.counts[g];
  }
}

void pack(const PruneArgs& args, const MergeSteps& steps) {
  const int64_t total = args.packed_offsets[args.merge.segments];
  const int64_t row_bytes = args.merge.channels * (args.merge.dtype == DType::kF32 ? 4 : 2);
  const int64_t width = rows_per_task(row_bytes);
  parallel_for((total + width - 1) / width, threads(), [&](int64_t task, int) {
    const int64_t end = (task + 1) * width < total ? (task + 1) * width : total;
    for (int64_t i = task * width; i < end; ++i) {
      steps.write_row(args.packed_rows[i], static_cast<char*>(args.packed) + i * row_bytes);
    }
  });
}

}  // namespace

size_t prune_workspace(const PruneArgs& args, int workers) {
  const Areas areas(args, nullptr);
  size_t size = 0;
  if (areas.overflow ||
      __builtin_add_overflow(areas.layout.size(), largest_workspace(args, workers), &size)) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "pooled_keys: its size overflows 64 bits");
  }
  return size;
}

void prune(const PruneArgs& args) {
  const Areas areas(args, args.workspace);
  void* const workspace = static_cast<char*>(args.workspace) + areas.layout.size();
  if (args.with_query) {
    attend(args, areas, workspace);
  }
  nucleus_select(nucleus_args(args, areas, workspace));
  const int64_t segments = args.merge.segments;
  int64_t total = 0;
  for (int64_t g = 0; g < segments; ++g) {
    areas.counts[g] = packed_rows(args, areas.nucleus, g, areas.counts[g]);
    total += areas.counts[g];
  }
  if (total > args.capacity) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "packed: shape[0] is %" PRId64 ", expected at least %" PRId64
         ", the rows kept", args.capacity, total);
  }
  copy_out(args, areas);

  ContextualMergeArgs merge = args.merge;
  merge.keys = args.with_query ? areas.pooled_keys : args.pooled_keys;
  merge.nucleus = areas.nucleus;
  merge.flags = args.flags;
  WorkspaceLayout layout(workspace);
  const MergeSteps steps(merge, layout);
  steps.assign();
  for_each_segment(merge, [&](int64_t g) {
    args.flags[g] |= areas.nucleus_flags[g] | (args.with_query ? areas.mass_flags[g] : 0);
    const bool whole = args.segment_kept == nullptr || args.segment_kept[g] != 0;
    const int64_t begin = args.merge.offsets[g];
    const int64_t n = args.merge.offsets[g + 1] - begin;
    const int64_t length = whole || args.dropped_tokens > n ? n : args.dropped_tokens;
    steps.list_kept(begin, begin + length, args.packed_rows + args.packed_offsets[g]);
  });
  pack(args, steps);
}

}  // namespace medpruner::cpu
