/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/nucleus_select/nucleus_select.cuh"

#include <algorithm>

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/nucleus_select/cluster.cuh"
#include "cuda/nucleus_select/limits.hpp"
#include "cuda/nucleus_select/registers.cuh"
#include "cuda/nucleus_select/short.cuh"
#include "cuda/nucleus_select/spread_digits.cuh"

namespace medpruner::cuda {

#if defined(MEDPRUNER_SIMT)
NucleusLimits g_nucleus_limits;
#else
namespace {
constexpr NucleusLimits g_nucleus_limits;
}
#endif

namespace {

bool volumes_bounded(const NucleusSelectArgs& args) {
  return args.volume_min_tokens > 0 || args.volume_max_tokens > 0;
}

/** Segments longer than a block holds are expected, not only possible. */
bool spreads(const NucleusSelectArgs& args) {
  const NucleusLimits limits = g_nucleus_limits;
  return !volumes_bounded(args) && args.rows > limits.block_rows &&
         args.rows / args.segments > limits.spread_average;
}

/** Of the calls that spread segments, those in which a cluster holds any segment, and all run at once. */
bool clusters(const NucleusSelectArgs& args) {
  const int blocks = g_nucleus_limits.cluster_blocks;
  return args.rows <= int64_t{blocks} * kClusterThreads * kClusterItems &&
         args.segments <= clusters_at_once("nucleus_cluster", nucleus_cluster,
                                           static_cast<unsigned>(blocks), kClusterThreads,
                                           sizeof(ClusterShared));
}

SpreadWorkspace lay_out_spread(const NucleusSelectArgs& args, void* base, size_t* size) {
  const NucleusLimits limits = g_nucleus_limits;
  SpreadWorkspace spread;
  spread.tile_shift = limits.tile_shift;
  while (spread.tile_shift > 0 && int64_t{1} << spread.tile_shift > limits.block_rows) {
    --spread.tile_shift;  // so that at most two spread segments share a tile
  }
  // Every part of a segment adds up what the tiles before it left, so their number is bounded.
  while ((args.rows - 1) >> spread.tile_shift >= limits.most_tiles &&
         int64_t{2} << spread.tile_shift <= limits.block_rows) {
    ++spread.tile_shift;
  }
  spread.tiles = ((args.rows - 1) >> spread.tile_shift) + 1;
  WorkspaceLayout layout(base);
  spread.owners = layout.take<int32_t>(2 * spread.tiles);
  spread.ranges = layout.take<KeyRange>(2 * spread.tiles);
  spread.counts = layout.take<uint64_t>(2 * spread.tiles);
  spread.states = layout.take<SpreadState>(args.segments);
  spread.bin_rows = layout.take<uint32_t>(args.segments * kBins);
  spread.bin_masses = layout.take<unsigned long long>(args.segments * kBins);
  *size = layout.size();
  return spread;
}

/** By the rows of a segment on average: who has one, so that few have more than it holds. */
enum class Blocks { kShort, kMedium, kLarge };

Blocks blocks_for(const NucleusSelectArgs& args) {
  const int64_t average = args.rows / args.segments;
  return average <= g_nucleus_limits.short_average  ? Blocks::kShort
         : average <= g_nucleus_limits.medium_average ? Blocks::kMedium
                                                      : Blocks::kLarge;
}

constexpr int kShortWarps = 4;
constexpr int kShortFew = 2;
constexpr int kMediumWarps = 8;
constexpr int kMediumFew = 4;
constexpr int kManyItems = 16;

/** Four blocks of 256 threads to a multiprocessor: 512 segments are resident at once on 132 of them. */
constexpr auto kShortKernel = nucleus_short<kShortWarps, kShortFew, kManyItems, false, 2, 6>;
constexpr auto kMediumKernel = nucleus_short<kMediumWarps, kMediumFew, kManyItems, true, 4, 4>;

ShortLengths lengths_of(int warps, int few) {
  const NucleusLimits limits = g_nucleus_limits;
  const int64_t held_by_few = std::min(limits.few_rows, int64_t{32} * warps * few);
  return {std::min(limits.block_rows, held_by_few),
          std::min(limits.block_rows, int64_t{32} * warps * kManyItems)};
}

ShortLengths short_lengths(Blocks blocks) {
  return blocks == Blocks::kShort ? lengths_of(kShortWarps, kShortFew) : lengths_of(kMediumWarps, kMediumFew);
}

/** Nothing for what is sure to stay in registers. */
NucleusWorkspace lay_out(const NucleusSelectArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  const bool bounded = volumes_bounded(args);
  const Blocks blocks = args.segments > 0 ? blocks_for(args) : Blocks::kLarge;
  const int64_t held = blocks == Blocks::kLarge ? g_nucleus_limits.block_rows
                                                : short_lengths(blocks).many;
  const int64_t rows = bounded || args.rows > held ? args.rows : 0;
  NucleusWorkspace workspace;
  workspace.keys = layout.take<uint32_t>(rows);
  workspace.weights = layout.take<uint32_t>(rows);
  workspace.ranked = bounded ? layout.take<uint8_t>(rows) : nullptr;
  *size = layout.size();
  return workspace;
}

/** Enough threads for a segment of average length, so that short ones do not idle a whole block. */
int threads_for(int64_t rows, int64_t segments) {
  const int64_t average = rows / segments;
  return average <= 256 ? 128 : (average <= 2048 ? 512 : kMemoryThreads);
}

void select_bounded(const NucleusSelectArgs& args, const NucleusWorkspace& workspace,
                    void* stream) {
  const unsigned segments = grid_extent(args.segments);
  const unsigned volumes = grid_extent(args.volume_count, "volumes");
  const int threads = threads_for(args.rows, args.segments);
  if (args.rows > 0) {
    MEDPRUNER_LAUNCH(nucleus_clear, 256, 256, stream, workspace.ranked, args.rows);
  }
  MEDPRUNER_LAUNCH(nucleus_segment, segments, threads, stream, args, workspace);
  if (volumes > 0) {
    MEDPRUNER_LAUNCH(nucleus_volume, volumes, kMemoryThreads, stream, args, workspace);
  }
  MEDPRUNER_LAUNCH(nucleus_finish, segments, threads, stream, args, workspace);
}

void select_spread(const NucleusSelectArgs& args, void* stream) {
  size_t size = 0;
  const SpreadWorkspace spread = lay_out_spread(args, args.workspace, &size);
  MEDPRUNER_LAUNCH(nucleus_spread_first, grid_extent(args.segments + spread.tiles),
                   kBlockWarps * 32, stream, args, spread, g_nucleus_limits.block_rows);
  const unsigned blocks = grid_extent(2 * spread.tiles);
  const bool waits = waits_itself("nucleus_digit", nucleus_digit);  // as the others
  for (int pass = 0; pass < kDigits; ++pass) {
    MEDPRUNER_LAUNCH_DEPENDENT(waits, nucleus_digit, blocks, kSpreadThreads, 0, stream, args, spread, pass);
  }
  MEDPRUNER_LAUNCH_DEPENDENT(waits, nucleus_count, blocks, kSpreadThreads, 0, stream, args, spread);
  MEDPRUNER_LAUNCH_DEPENDENT(waits, nucleus_write, blocks, kSpreadThreads, 0, stream, args, spread);
}

void select_in_clusters(const NucleusSelectArgs& args, void* stream) {
  const unsigned cluster = static_cast<unsigned>(g_nucleus_limits.cluster_blocks);
  const int64_t blocks = args.segments * cluster;
  MEDPRUNER_LAUNCH_CLUSTERS(cluster, nucleus_cluster, grid_extent(blocks), kClusterThreads,
                            sizeof(ClusterShared), stream, args, (args.rows + blocks - 1) / blocks);
}

void select_segments(const NucleusSelectArgs& args, const NucleusWorkspace& workspace,
                     void* stream) {
  const unsigned segments = grid_extent(args.segments);
  const int64_t share = (args.rows + args.segments - 1) / args.segments;
  const Blocks blocks = blocks_for(args);
  switch (blocks) {
    case Blocks::kShort:
      MEDPRUNER_LAUNCH(kShortKernel, segments, kShortWarps * 32, stream, args, workspace,
                       short_lengths(blocks), share);
      break;
    case Blocks::kMedium:
      MEDPRUNER_LAUNCH(kMediumKernel, segments, kMediumWarps * 32, stream, args, workspace,
                       short_lengths(blocks), share);
      break;
    case Blocks::kLarge:
      MEDPRUNER_LAUNCH(nucleus_blocks, segments, kBlockWarps * 32, stream, args, workspace,
                       g_nucleus_limits.block_rows);
      break;
  }
}

}  // namespace

void check_nucleus_extents(const NucleusSelectArgs& args) {
  grid_extent(args.segments);
  if (volumes_bounded(args)) {
    grid_extent(args.volume_count, "volumes");
  }
}

size_t nucleus_select_workspace(const NucleusSelectArgs& args) {
  size_t size = 0;
  if (args.segments > 0 && spreads(args)) {
    lay_out_spread(args, nullptr, &size);
  } else {
    lay_out(args, nullptr, &size);
  }
  return size;
}

void nucleus_select(const NucleusSelectArgs& args, Launch launch) {
  const DeviceScope scope(launch.device);
  if (args.segments == 0) {
    return;
  }
  if (spreads(args)) {
    clusters(args) ? select_in_clusters(args, launch.stream) : select_spread(args, launch.stream);
    return;
  }
  size_t size = 0;
  const NucleusWorkspace workspace = lay_out(args, args.workspace, &size);
  if (volumes_bounded(args)) {
    select_bounded(args, workspace, launch.stream);
    return;
  }
  select_segments(args, workspace, launch.stream);
}

}  // namespace medpruner::cuda
