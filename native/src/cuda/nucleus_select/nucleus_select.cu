/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/nucleus_select/nucleus_select.cuh"

#include <algorithm>

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"
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

/** Registers allow six blocks of a multiprocessor's 128 threads, or four of 256. */
constexpr auto kShortKernel = nucleus_short<4, 2, 16, false, 2, 6>;
constexpr auto kMediumKernel = nucleus_short<8, 4, 16, true, 4, 4>;

ShortLengths short_lengths(bool medium) {
  const NucleusLimits limits = g_nucleus_limits;
  const auto at_most = [&](int warps, int items) {
    return std::min(limits.block_rows, int64_t{32} * warps * items);
  };
  const int warps = medium ? 8 : 4;
  return {std::min(limits.few_rows, at_most(warps, medium ? 4 : 2)), at_most(warps, 16)};
}

/** Nothing for what is sure to stay in registers. */
NucleusWorkspace lay_out(const NucleusSelectArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  const bool bounded = volumes_bounded(args);
  const Blocks blocks = args.segments > 0 ? blocks_for(args) : Blocks::kLarge;
  const int64_t held = blocks == Blocks::kLarge ? g_nucleus_limits.block_rows
                                                : short_lengths(blocks == Blocks::kMedium).many;
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
  const unsigned volumes = grid_extent(args.volume_count);
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
  for (int pass = 0; pass < kDigits; ++pass) {
    MEDPRUNER_LAUNCH(nucleus_digit, blocks, kSpreadThreads, stream, args, spread, pass);
  }
  MEDPRUNER_LAUNCH(nucleus_count, blocks, kSpreadThreads, stream, args, spread);
  MEDPRUNER_LAUNCH(nucleus_write, blocks, kSpreadThreads, stream, args, spread);
}

void select_segments(const NucleusSelectArgs& args, const NucleusWorkspace& workspace,
                     void* stream) {
  const unsigned segments = grid_extent(args.segments);
  const int64_t share = (args.rows + args.segments - 1) / args.segments;
  switch (blocks_for(args)) {
    case Blocks::kShort:
      MEDPRUNER_LAUNCH(kShortKernel, segments, 128, stream, args, workspace, short_lengths(false), share);
      break;
    case Blocks::kMedium:
      MEDPRUNER_LAUNCH(kMediumKernel, segments, 256, stream, args, workspace, short_lengths(true), share);
      break;
    case Blocks::kLarge:
      MEDPRUNER_LAUNCH(nucleus_blocks, segments, kBlockWarps * 32, stream, args, workspace,
                       g_nucleus_limits.block_rows);
      break;
  }
}

}  // namespace

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
    select_spread(args, launch.stream);
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
